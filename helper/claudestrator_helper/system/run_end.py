"""Making the branch of a run ready for the person who takes it over."""

from ..store.paths import Project
from ..texts import fields
from . import commit_witness, git, run_branch
from .commit_witness import Repository


def stage(project: Project, branch: str) -> str:
    """Tells the person's index what the run has committed, so that `git merge --ff-only` takes the branch over although
    the working tree has the changes already. What the person has staged stays as it is.

    What they have committed since on *branch*, the one on which the run began, is merged into the run's branch first.
    Returns what they have to know, and to type, if that can't be done.

    """
    person = git.repository_of(project)
    if isinstance(person, str) or not run_branch.current(person):
        return ""
    ours, old = run_branch.of(person), commit_witness.head(person)
    tip, here = commit_witness.head(ours), run_branch.branch_of(person)
    looks = run_branch.is_apart(person) and branch and here in ("", run_branch.current(person))
    if not tip or not person.call("merge-base", "--is-ancestor", tip, branch if looks else "HEAD").code:
        return ""
    if run_branch.is_within(person, old, tip) and not looks:
        said = ""
    elif not branch or branch != here:
        said = _elsewhere(person, branch, tip)
    else:
        said = _taken_in(person, ours, old, tip)
    if not run_branch.is_apart(person):
        commit_witness.tell(person, old, commit_witness.head(ours))
    return said


def _elsewhere(person: Repository, branch: str, tip: str) -> str:
    """What a person has to do whose run began on *branch*, which is not checked out."""
    name, begun = branch.removeprefix("refs/heads/"), commit_witness.head(person, branch) if branch else ""
    if not begun:
        return f"What is checked out has commits that it lacks: {_merging(person)}."
    way = _merging(person, f"git switch {name}", "--ff-only " if run_branch.is_within(person, begun, tip) else "")
    return f"It was begun on {name}, which is not checked out: {way}."


def _merging(person: Repository, switch: str = "", option: str = "") -> str:
    """The commands that take the run's branch over, in words."""
    merge = f"git merge {option}{run_branch.current(person).removeprefix('refs/heads/')}"
    # The working tree may have the work as changes, over which git does not merge.
    calls = filter(None, ["" if run_branch.is_apart(person) else "git stash", switch, merge])
    return ", then ".join(f"`{each}`" for each in calls)


def _taken_in(person: Repository, ours: Repository, theirs: str, tip: str) -> str:
    """Merges the person's commits into the run's branch; what they have to do themselves if that fails, or ""."""
    new, conflicts = run_branch.joined(person, theirs, tip)
    if not new or ours.call("update-ref", "-m", "claudestrator: merged", "HEAD", new, tip).code:
        names = fields.named(conflicts, len(conflicts))
        what = f"conflict with it in {names}" if conflicts else "it lacks"
        return f"Your branch has commits that {what}: {_merging(person)}."
    if not run_branch.is_apart(person):
        # The working tree has the work of both already.
        ours.call("read-tree", "--reset", "HEAD")
        ours.call("update-index", "-q", "--refresh")
    return ""
