"""Transcripts: Markdown in which a person can read what the helper answers, and which the tests play again.

Each `##` section begins in an empty project of a person with install.sh's settings. A block ```` ```file PATH ```` puts a file there. In a block ```` ```console ````
stand commands behind `$ ` (their further lines behind `> `), what they print, and `[N]` where they exit with another
code than 0. In what is printed, `...` stands for any text within its line, and `PROJECT` for the project's folder.

    python tests/console.py FILE

prints FILE with the answers of today in the place of the old ones, to be compared by eye.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(
    r"^(?P<fence>`{3,})(?P<info>console|file [^\n]+)\n(?P<body>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_COMMAND = re.compile(r"^\$ (?P<command>.*(?:\n>(?: .*)?(?=\n))*)\n(?P<answer>(?:(?!\$ ).*\n)*)", re.MULTILINE)
_FURTHER = re.compile(r"\n> ?")
_HEREDOC = re.compile(r"(?P<words>.*) <<'(?P<end>\w+)'\n(?P<body>(?:.*\n)*)(?P=end)")


class Command(NamedTuple):
    """One command; *answer* is what it prints, with `[N]` last where it fails."""

    text: str
    answer: str


class Section(NamedTuple):
    title: str
    blocks: list[tuple[str, str]]


def sections(text: str) -> list[Section]:
    """The parts of a transcript: each block as its info string and its body."""
    parts = _SECTION.split(text)
    return [
        Section(title, [(found["info"], found["body"]) for found in _BLOCK.finditer(body)])
        for title, body in zip(parts[1::2], parts[2::2], strict=True)
    ]


def commands(body: str) -> list[Command]:
    return [Command(_FURTHER.sub("\n", found["command"]), found["answer"]) for found in _COMMAND.finditer(body)]


def played(section: Section, root: Path, tools: Path) -> Iterator[tuple[Command, str]]:
    """Each command of a section with what it answers now, in the project at *root*."""
    (root / ".git").mkdir(parents=True)
    for info, body in section.blocks:
        if info == "console":
            for command in commands(body):
                yield command, answer_to(command.text, root, tools)
        else:
            path = root / info.removeprefix("file ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body, encoding="utf-8")


def answer_to(command: str, root: Path, tools: Path) -> str:
    heredoc = _HEREDOC.fullmatch(command)
    words = shlex.split(heredoc["words"] if heredoc else command)
    given = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "CLAUDE_CONFIG_DIR": str(tools)}
    while "=" in words[0]:
        name, value = words.pop(0).split("=", 1)
        given[name] = value
    if words[0] == "claudestrator-helper":
        code, said = _helper(words[1:], root, given, heredoc["body"] if heredoc else "")
    else:
        done = subprocess.run(
            ["bash", "-c", command], cwd=root, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        code, said = done.returncode, done.stdout
    told = said.replace(str(root), "PROJECT")
    return told + (f"[{code}]\n" if code else "")


def _helper(words: list[str], root: Path, given: dict[str, str], stdin: str) -> tuple[int, str]:
    from running import helper

    done = helper(*words, folder=root, stdin=stdin.encode(), environ=given, mixed=True)
    return done.code, done.stdout


def matches(expected: str, answer: str) -> bool:
    # Longer rows of dots are those of a progress bar.
    pattern = "[^\n]*".join(map(re.escape, re.split(r"(?<!\.)\.{3}(?!\.)", expected)))
    return re.fullmatch(pattern, answer) is not None


def tools_in(folder: Path) -> Path:
    """A folder for PATH in which the helper and git can be found, neither of them ever to be run; Claude Code's settings
    are there too."""
    from claudestrator_helper.setup import settings_edit

    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(settings_edit.merge("{}", [])[0])
    for name in ("claudestrator-helper", "git"):
        tool = folder / name
        tool.write_text("#!/bin/sh\nexit 70\n")
        tool.chmod(0o755)
    return folder


def renewed(text: str, folder: Path) -> str:
    """*text* with today's answers where they aren't those of the transcript."""
    tools, at = tools_in(folder / "tools"), 0
    for number, section in enumerate(sections(text)):
        for command, answer in played(section, folder / f"{number}" / "project", tools):
            line = "$ " + command.text.replace("\n", "\n> ").replace("\n> \n", "\n>\n") + "\n"
            at = text.index(line + command.answer, at) + len(line)
            if not matches(command.answer, answer):
                text = text[:at] + answer + text[at + len(command.answer) :]
                at += len(answer)
    return text


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "helper"))
    with tempfile.TemporaryDirectory() as place:
        sys.stdout.write(renewed(Path(sys.argv[1]).read_text(encoding="utf-8"), Path(place).resolve()))
