"""Queue texts for the tests."""


def task(
    id_: str,
    *,
    status: str = "pending",
    complexity: str = "normal",
    objective: str = "Build it",
    criteria: tuple[str, ...] = ("It works",),
    dependencies: str = "None",
    extra: str = "",
) -> str:
    """One section in the format that the helper writes."""
    listed = "".join(f"- {criterion}\n" for criterion in criteria)
    return (
        f"### {id_}\n\n| Field | Value |\n|-------|-------|\n| Status | {status} |\n| Complexity | {complexity} |\n\n"
        f"**Objective:** {objective}\n\n**Acceptance Criteria:**\n{listed}\n**Dependencies:** {dependencies}\n\n{extra}---\n\n"
    )


def queue(*tasks: str) -> str:
    return "# Task Queue\n\n" + "".join(tasks)


def many(count: int, *, completed: int = 0, words: int = 12) -> str:
    """A queue of *count* tasks, each on the two before it, the first *completed* of them done."""
    text = " ".join(["part"] * words)
    return queue(
        *(
            task(
                f"TASK-{n:03d}",
                status="completed" if n <= completed else "pending",
                objective=f"Build number {n}: {text}",
                criteria=(f"{text} {n} starts", f"{text} {n} has tests"),
                dependencies="None" if n < 3 else f"TASK-{n - 1:03d}, TASK-{n - 2:03d}",
            )
            for n in range(1, count + 1)
        )
    )
