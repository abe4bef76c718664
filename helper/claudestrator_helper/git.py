"""git, as far as a loop's commit needs it.

Nothing but what changed since the run began is ever committed: the index, the person's unfinished work and their
secrets stay as they are. A commit is made from an index of its own, so whatever stops it (a hook, a kill) has
touched nobody's. Paths are relative to the repository's root; bytes in them that are not UTF-8 are surrogates.
"""

import contextlib
import fnmatch
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from . import fields, files
from .errors import ClaudestratorError
from .paths import Project

#: Seconds for a commit; its hooks may run a test suite.
COMMIT_TIMEOUT = 900
_TIMEOUT = 60
#: Seconds for which another git may hold the index after a commit.
_BUSY = 3.0

_SECRETS = (
    ".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "*.p12", "*.pfx", "*.ppk", "*.jks", "*.keystore", "id_rsa*",
    "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", ".pgpass", ".htpasswd", ".npmrc", ".pypirc", ".git-credentials",
    ".vault-token", "credentials", "credentials.*", "client_secret*.json", "secrets.*", "*service-account*.json",
    "*.tfstate", "*.kdbx",
)  # fmt: skip
_NO_SECRETS = ("*.example", "*.sample", "*.template", "*.dist", "*.pub", "*.py", "*.js", "*.ts", "*.go", "*.rs", "*.md")

#: What stands in the git folder while a commit would be part of something that a person has begun.
_UNDER_WAY = {
    "MERGE_HEAD": "a merge", "rebase-merge": "a rebase", "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick", "REVERT_HEAD": "a revert", "BISECT_LOG": "a bisection",
}  # fmt: skip
_CONFLICTS = ("DD", "AU", "UD", "UA", "DU", "AA", "UU")
#: In the git folder: the commit before ours, for as long as the index doesn't know of ours.
_WITNESS = "claudestrator-commit"
_NO_GIT = "git is not installed"
#: Why most paths are left out, which is no news to the one who changed them.
BEFORE = "it was changed before the run"


@dataclass(frozen=True)
class Result:
    """What became of a commit: its id, or "" and why there is none; *left* are paths left out, with the reason."""

    commit: str = ""
    why: str = ""
    left: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Repository:
    """*root* is the working tree's folder, *folder* git's own, of this working tree."""

    root: str
    folder: str


@dataclass(frozen=True)
class _Done:
    """What a call of git gave; *why* is the line that says what was wrong."""

    code: int
    text: str
    why: str = ""


def dirty(project: Project) -> list[str] | None:
    """The paths below the project that differ from the last commit or are untracked; None outside a repository."""
    if isinstance(_repository(project), str):
        return None
    changes = _changes(project)
    return None if isinstance(changes, str) else list(changes)


def commit(project: Project, before: Iterable[str], message: str) -> Result:
    """Commits what is dirty now and wasn't in *before*, with the repository's own hooks and nobody's index."""
    repository = _repository(project)
    if isinstance(repository, str):
        return Result(why=repository)
    changes = _changes(project)
    if isinstance(changes, str):
        return Result(why=changes)
    left = _left_out(repository.root, changes, set(before))
    begun = [what for name, what in _UNDER_WAY.items() if os.path.exists(os.path.join(repository.folder, name))]
    if begun:
        return Result(why=f"{begun[0]} is under way", left=left)
    try:
        id_, why = _committed(repository, {path: code for path, code in changes.items() if path not in left}, message)
    except (OSError, ClaudestratorError) as error:
        return Result(why=fields.one_line(str(error)), left=left)
    return Result(commit=id_, why=why, left=left)


def last_message(project: Project) -> tuple[str, str]:
    """The id and the message of the last commit; both "" where there is none."""
    if isinstance(_repository(project), str):
        return "", ""
    words = ["-c", "log.showSignature=false", "log", "-1", "--encoding=UTF-8", "--format=%H%n%B"]
    done = _git(project.root, *words)
    commit_id, _, message = done.text.partition("\n")
    return ("", "") if done.code else (commit_id, message.rstrip("\n"))


def is_secret(path: str) -> bool:
    """Whether a file of that name usually holds keys or passwords."""
    name = os.path.basename(path).lower()
    return _matches(name, _SECRETS) and not _matches(name, _NO_SECRETS)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _repository(project: Project) -> _Repository | str:
    """The repository around the project, or why there is none."""
    top, folder = (_git(project.root, "rev-parse", word) for word in ("--show-toplevel", "--absolute-git-dir"))
    if top.code or folder.code:
        return "there is no git repository" if "not a git repository" in top.why else top.why
    found = _Repository(top.text.removesuffix("\n"), folder.text.removesuffix("\n"))
    _recover(found)
    return found


def _changes(project: Project) -> dict[str, str] | str:
    """The two letters of git's short status by path, or why there are none."""
    # Renames as a deletion and an addition, so that each entry is one path; no lock, so as to be in nobody's way.
    words = ["--no-optional-locks", "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", "."]
    done = _git(project.root, *words)
    if done.code:
        return done.why
    # What is both removed from the index and untracked comes twice, and counts as what it is on the disk.
    return {entry[3:]: entry[:2] for entry in done.text.split("\0") if entry}


def _left_out(root: str, changes: dict[str, str], before: set[str]) -> dict[str, str]:
    left = {}
    for path, code in changes.items():
        full = os.path.join(root, path)
        if path in before:
            left[path] = BEFORE
        elif code in _CONFLICTS:
            left[path] = "it is in conflict"
        elif "D" in code:
            continue
        elif is_secret(path):
            left[path] = "it looks like a secret"
        elif os.path.isdir(full) and not os.path.islink(full):
            left[path] = "it is a repository of its own"
    return left


def _committed(repository: _Repository, changes: dict[str, str], message: str) -> tuple[str, str]:
    """The id of the new commit of those changes, or "" and why there is none.

    Raises OSError and ClaudestratorError for files that can't be written.

    """
    nothing = "nothing has changed"
    if not changes:
        return "", nothing
    root, old = repository.root, _head(repository)
    with tempfile.TemporaryDirectory(prefix="claudestrator-") as folder:
        index = os.path.join(folder, "index")
        why = _staged(repository, index, old, changes)
        if why or not _git(root, "diff", "--cached", "--quiet", "--no-ext-diff", index=index).code:
            return "", why or nothing
        files.write(os.path.join(repository.folder, _WITNESS), old)
        words = ["commit", "--quiet", "--cleanup=whitespace", "--file=-"]
        done = _git(root, *words, text=message, index=index, timeout=COMMIT_TIMEOUT)
    new = _head(repository)
    _recover(repository)
    # A commit may be there although git was stopped: in a hook that runs after it.
    return (new, "") if new != old else ("", done.why or nothing)


def _staged(repository: _Repository, index: str, old: str, changes: dict[str, str]) -> str:
    """Makes *index* the last commit with the changes; what went wrong, or ""."""
    root = repository.root
    with contextlib.suppress(FileNotFoundError):
        # What git knows of the other files' times saves it from reading them all, and holds for an index as old.
        shutil.copy2(os.path.join(repository.folder, "index"), index)
    gone = [path for path, code in changes.items() if "D" in code]
    there = [path for path, code in changes.items() if "D" not in code]
    calls = [
        (["read-tree", *(["--reset", old] if old else ["--empty"])], []),
        (["update-index", "-z", "--force-remove", "--stdin"], gone),
        (["update-index", "-z", "--add", "--remove", "--replace", "--stdin"], there),
    ]
    for words, paths in calls:
        done = _git(root, *words, text="\0".join(paths), index=index, timeout=COMMIT_TIMEOUT)
        if done.code:
            return done.why
    return ""


def _recover(repository: _Repository) -> None:
    """Tells the index of a commit that was made from another: at once, or after a kill between the two."""
    witness = os.path.join(repository.folder, _WITNESS)
    try:
        old = files.read(witness)
    except ClaudestratorError:
        return
    if old is None:
        return
    new = _head(repository)
    if new and new != old and _head(repository, "HEAD^") == old and not _synced(repository, old):
        return
    with contextlib.suppress(ClaudestratorError):
        files.remove(witness)


def _synced(repository: _Repository, old: str) -> bool:
    """Whether the index has taken over what the last commit changed; not while another git holds it."""
    between = [old, "HEAD"] if old else ["--root", "HEAD"]
    done = _git(repository.root, "diff-tree", "-r", "-z", "--no-renames", "--no-commit-id", *between)
    words = done.text.split("\0")
    # Of each change: ":old-mode new-mode old-id new-id letter", then its path. Mode 0 removes an entry.
    entries = [(raw.split(), path) for raw, path in zip(words[::2], words[1::2], strict=False)]
    text = "".join(f"{mode} {id_}\t{path}\0" for (_, mode, _, id_, _), path in entries)
    end = time.monotonic() + _BUSY
    for _ in _until(end):
        if not _git(repository.root, "update-index", "-z", "--index-info", text=text).code:
            _git(repository.root, "update-index", "-q", "--refresh")
            return True
    return False


def _until(end: float) -> Iterator[None]:
    yield
    while time.monotonic() < end:
        time.sleep(0.1)
        yield


def _head(repository: _Repository, name: str = "HEAD") -> str:
    return _git(repository.root, "rev-parse", "--verify", "--quiet", name).text.strip()


def _git(folder: str, *words: str, text: str = "", index: str = "", timeout: float = _TIMEOUT) -> _Done:
    """Runs git in *folder* with *text* on its standard input and, where it is named, another index."""
    try:
        return _ran(folder, words, text, index, timeout)
    except OSError as error:
        return _Done(127, "", _NO_GIT if error.filename == "git" else f"git: {error.strerror or error}")


def _ran(folder: str, words: tuple[str, ...], text: str, index: str, timeout: float) -> _Done:
    # Files and not pipes: what a hook has left behind in the background may hold a pipe open for ever, and of a
    # message that this process was killed over git would commit with the half that has come through.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        given.write(text.encode("utf-8", "surrogateescape"))
        given.seek(0)
        process = subprocess.Popen(
            ["git", *words], cwd=folder, env=_environment(index), stdin=given, stdout=out, stderr=said,
            start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(timeout)
        except BaseException as error:
            # With its hooks, which are in the same session.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return _Done(124, "", f"git {words[0]} took longer than {timeout:g} s")
        out.seek(0)
        said.seek(0)
        output = out.read().decode("utf-8", "surrogateescape")
        errors = said.read().decode("utf-8", "replace")
    if not process.returncode:
        return _Done(0, output)
    return _Done(process.returncode, output, _reason(errors or output) or f"git {words[0]} failed without a word")


def _environment(index: str) -> dict[str, str]:
    # The project's folder says which repository it is, whatever git has called the one who calls this.
    inherited = {key: value for key, value in os.environ.items() if key not in ("GIT_DIR", "GIT_WORK_TREE")}
    inherited.pop("GIT_INDEX_FILE", None)
    chosen = {"GIT_INDEX_FILE": index} if index else {}
    return {**inherited, **chosen, "LANGUAGE": "en", "GIT_TERMINAL_PROMPT": "0"}


def _reason(text: str) -> str:
    """The line that says most: the first error of git's own, else the last."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    lines = [line for line in map(fields.one_line, re.split(r"[\r\n]", plain)) if line]
    errors = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    return next(iter(errors or lines[-1:]), "")
