"""What is wrong in a queue, each with its line."""

import re
from collections import Counter
from collections.abc import Iterator

from . import (
    fields,
    foreign_formats,
    gate_commands,
    ids,
    markdown,
    open_headings,
    open_signs,
    open_work,
    queue,
    schedule,
    sections,
    statuses,
)
from .fields import pattern
from .models import BY_COMPLEXITY
from .named_tuples import NamedTuple
from .queue import Queue, Task
from .sections import Block


class Problem(NamedTuple):
    """Something wrong in a document: the line, counted from 1, and what is wrong there."""

    line: int
    text: str


#: What ends a line for one program or another; for Markdown, only the first does.
_BREAKS = "\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
_MARKED = rf"[{_BREAKS}][^A-Za-z{_BREAKS}#]*#[# \t\xa0][^A-Za-z{_BREAKS}]*({ids.WORD})(?![\w.-])"
_UNMARKED = rf"\n(?![ \t]*(?:[-*+]|\d+[.)])[ \t])[^\w\n#|]*({ids.WORD})(?![\w.-])"
#: A heading that is underlined; with dashes only after an empty line, as a rule may come right below a paragraph.
_UNDERLINED = (
    rf"\n(?:[^\w\n#|]*(?=[A-Za-z][^\n]*\n {{0,3}}={{3}})"
    rf"|(?<=\n\n)[^\w\n#|]*(?=[A-Za-z][^\n]*[^.\n]\n {{0,3}}-{{3}}))({ids.WORD})(?![\w.-])"
)
_HTML = rf"\n[^\w\n]*<(?i:h[1-6]|summary|strong|b)\b[^>\n]*>\n?(?:<[^>\n]*>|[^\w<\n])*({ids.WORD})(?![\w.-])"
_TITLED = rf"{ids.WORD}\W*(?::|[ \t][-–—])[ \t]"
_STATUSES = ", ".join(statuses.MOVES)
_INNER_FENCE = r"[\r\n] {0,3}(?:`{3,}|~{3,})[ \t]*\w"


def unreadable(parsed: Queue) -> list[Problem]:
    """Sections that look like tasks and can't be read as such: while there are any, nothing is "all completed"."""
    found = dict.fromkeys([*_blocks(parsed), *_lost(parsed), *hidden(parsed)])
    told = {problem.line for problem in found}
    found |= dict.fromkeys(Problem(line, text) for line, text in open_work.found(parsed) if line not in told)
    return sorted([*found, *_foreign(parsed, sorted({problem.line for problem in found}))])


def miscounted(parsed: Queue) -> list[Problem]:
    """Where the text above the first task counts more tasks than there are: no error, but some may have been lost."""
    head = parsed.masked[: parsed.tasks[0].block.start] if parsed.tasks else ""
    counted = re.finditer(r"(?im)^[^\w\n]*total(?: number of)? tasks[^\w\n]+(\d{1,6})\b", head)
    there = len(parsed.tasks)
    return [
        Problem(parsed.line_at(match.start(1)), f"it counts {match[1]} tasks, and there are {there}")
        for match in counted
        if int(match[1]) > there
    ]


def unread(parsed: Queue) -> list[Problem]:
    """What had to be guessed of dependencies, and the mentions of tasks that no field has read; no errors either."""
    from . import dependency_problems

    return sorted(dict.fromkeys(Problem(line, text) for line, text in dependency_problems.notes(parsed)))


def problems(parsed: Queue) -> list[Problem]:
    """Everything wrong with a queue, in the order of its lines."""
    found = [*unreadable(parsed), *_of_groups(parsed)]
    for task in parsed.tasks:
        found += [Problem(task.line, f"{task.id}: {text}") for text in _of_task(task)]
    for id_, cause in schedule.causes(parsed).items():
        if cause.kind == schedule.CYCLE:
            found.append(Problem(parsed.by_id[id_][0].line, f"{id_}: {cause}"))
    # What keeps its order is sorted in a moment.
    return sorted(dict.fromkeys(found))


def _of_groups(parsed: Queue) -> list[Problem]:
    if not parsed.stating:
        # What reads the dependencies of groups takes longer to import than a plain queue to check.
        return []
    from . import dependency_problems

    return [Problem(line, text) for line, text in dependency_problems.problems(parsed)]


def _of_task(task: Task) -> Iterator[str]:
    if len(task.queue.by_id[task.id]) > 1:
        yield f"the id is used more than once, at lines {task.queue.where(task.id)}"
    if ids.role(task.id) != "task":
        yield "the id belongs to an agent of the run"
    yield from _of_status(task)
    gate = task.gate
    if gate and (wrong := gate_commands.problem(gate)):
        yield f"its Gate can't be run: {wrong}"
    if task.complexity not in BY_COMPLEXITY:
        yield f"its complexity {task.complexity[:40]!r} is none of {', '.join(BY_COMPLEXITY)}; it counts as normal"
    if not task.objective:
        yield "it has no Objective"
    if not task.criteria:
        yield "it has no Acceptance Criteria"
    yield from _of_dependencies(task)


def _of_status(task: Task) -> Iterator[str]:
    if task.status not in statuses.MOVES:
        yield f"its status {task.status[:40]!r} is none of {_STATUSES}"
    if len(fields.starts(task.queue.masked, task.block.body, task.block.end, sections.STATUS)) > 1:
        yield "it has more than one Status; the first counts"


def _of_dependencies(task: Task) -> Iterator[str]:
    for id_ in task.needs.ids if task.plain is None else task.plain:
        if id_ == task.id:
            yield "it depends on itself"
        elif id_ not in task.queue.by_id and id_ not in task.queue.archived:
            yield f"its dependency {id_[:80]!r} is not in the queue"


def _blocks(parsed: Queue) -> Iterator[Problem]:
    alone = _alone(parsed) if not parsed.tasks else set()
    following = dict(zip(parsed.blocks, parsed.blocks[1:], strict=False))
    families = set(map(str.upper, parsed.families))
    for block in parsed.others:
        if block.id:
            related = block.id.split("-")[0].upper() in families or open_signs.family(block.id) in alone
            meant = related or parsed.has(block, sections.ANY_FIELD)
        elif block.title or block.body < block.end:
            meant = open_headings.is_heading(parsed, block, _status_of(parsed, block))
        else:
            meant = False
        if meant and not _is_group(parsed, block, following.get(block)):
            what = f"{block.id}" if block.id else f"{fields.one_line(block.title)[:60]!r}"
            why = _without_status(parsed, block) if block.id else "its heading has no id"
            yield Problem(parsed.line_at(block.start), f"{what} looks like a task but {why}")


def _without_status(parsed: Queue, block: Block) -> str:
    found = pattern(sections.BARE_STATUS).search(parsed.masked, block.body, block.end)
    if found and statuses.normalise(found[1]) not in statuses.MOVES:
        return f"its status {fields.cut(found[1], 40)!r} is none of {_STATUSES}"
    return "has no Status"


def _alone(parsed: Queue) -> set[str]:
    """What the ids of headings begin with that are meant for tasks in a queue without any: there are several, or it is
    `### BUILD-7: Log in`. Phases and the like are none."""
    found = [block for block in parsed.others if block.id and not pattern(sections.GROUPS).match(block.id)]
    count = Counter(open_signs.family(block.id or "") for block in found)
    titled = {
        open_signs.family(block.id or "") for block in found if pattern(_TITLED).search(block.title[: ids.LONGEST + 20])
    }
    return titled | {family for family, often in count.items() if often > 1}


def _is_group(parsed: Queue, block: Block, following: Block | None) -> bool:
    """Whether *block* has nothing but deeper tasks: a group, or a heading that mentions a task above it."""
    deeper = following is not None and following.level > block.level and following.id is not None
    return (deeper or block.id in parsed.by_id) and not parsed.has(block, sections.ANY_FIELD)


def _status_of(parsed: Queue, block: Block) -> str:
    if block.body >= block.end:
        return ""
    span = fields.find(parsed.masked, block.body, block.end, sections.STATUS)
    if span and pattern(r"[ \t]+[-*+]").match(parsed.masked[parsed.masked.rfind("\n", 0, span[0]) + 1 : span[0]]):
        return ""  # the status of an item in a list
    return statuses.normalise(parsed.text[span[0] : span[1]]) if span else ""


def _lost(parsed: Queue) -> Iterator[Problem]:
    """Lines that are meant as a task's heading and are none: the marks follow others, are too many or missing."""
    families = parsed.families
    lines = "\n" + parsed.masked
    begun = {block.start for block in parsed.blocks}
    marked = (match for match in re.finditer(_MARKED, lines) if match.start() not in begun)
    html = re.finditer(_HTML, lines) if "<" in lines else ()
    underlined = re.finditer(_UNDERLINED, lines) if _has_underlines(lines) else ()
    for match in [*marked, *html, *underlined, *_unmarked(parsed, lines)]:
        related = match[1].split("-")[0] in families or not parsed.tasks
        if related and any(map(str.isdigit, match[1])) and match[1] not in parsed.by_id:
            id_, line = fields.cut(match[1]), parsed.line_at(match.start())
            yield Problem(line, f"{id_} looks like a task but its line is no heading (### {id_})")


def _has_underlines(lines: str) -> bool:
    """Whether a line may be underlined, as with rules below empty lines none is."""
    marks = ("\n===", "\n ===", "\n  ===", "\n   ===", "\n ---", "\n  ---", "\n   ---")
    return lines.count("\n---") > lines.count("\n\n---") or any(mark in lines for mark in marks)


def _unmarked(parsed: Queue, lines: str) -> Iterator[re.Match[str]]:
    """Lines that begin with an id, above a Status that does not belong to the section's own task."""
    unmarked = re.compile(_UNMARKED)
    own = {task.block: 1 for task in parsed.tasks}
    first = parsed.blocks[0].start if parsed.blocks else len(parsed.masked)
    prose = markdown.Heading(0, 0, 0, "")
    for block in [Block(None, prose, first), *parsed.blocks]:
        taken = own.get(block, 0)
        if parsed.masked[block.body : block.end].lower().count("status") <= taken:
            continue
        found = fields.starts(parsed.masked, block.body, block.end, sections.STATUS)
        for above, status in zip([block.body, *found][taken:], found[taken:], strict=False):
            yield from unmarked.finditer(lines, above, status + 1)


def _foreign(parsed: Queue, lines: list[int]) -> Iterator[Problem]:
    """The format of another tool, where the queue has no task and is written in it; *lines* have open work."""
    if parsed.tasks:
        return
    data = foreign_formats.of_data(parsed.text)
    listed = lines and not any(block.id for block in parsed.blocks)
    name = data or (foreign_formats.of_list(parsed.masked) if listed else "")
    if name:
        line = parsed.line_at(len(parsed.masked) - len(parsed.masked.lstrip("\ufeff \t\r\n")))
        where = "" if data else f", with open work in line {fields.named(map(str, lines), len(lines))}"
        yield Problem(
            line,
            f"A file that looks like {name}{where}: a task is a section, `### TASK-001` with `| Status | pending |`",
        )


def hidden(parsed: Queue) -> Iterator[Problem]:
    for span in parsed.hidden:
        inside = parsed.text[span.start : span.end]
        fence = len(inside) - len(inside.lstrip("`~ "))
        line = parsed.line_at(span.start)
        if not span.closed:
            yield Problem(line, "a code block or comment that is opened here never ends")
        elif pattern(_INNER_FENCE).search(inside) and fence == 3 and queue.parse(inside[3:]).tasks:
            yield Problem(line, "a code block that is opened here seems to swallow tasks")
        elif fence and not parsed.tasks and _is_queue(inside.partition("\n")[2].rpartition("\n")[0]):
            yield Problem(line, "the tasks are in a code block, which hides them: take its fence away")


def _is_queue(text: str) -> bool:
    """Whether what is in a code block is more than an example."""
    if not text.strip():
        return False  # as 100,000 of them may be
    headed = text.count("#") > 1 and len(queue.parse(text).tasks) > 1
    return headed or bool(foreign_formats.of_data(text))
