"""Prompts, docs and the helper stay in step: every verb, option and path that a Markdown file names is there."""

import json
import re
from pathlib import Path

import click
import frontmatter
import generate_cli_docs
import pytest
import yaml
from claudestrator_helper import __version__
from claudestrator_helper.cli import cli
from claudestrator_helper.store import memory, state_file
from claudestrator_helper.store.paths import Project

ROOT = Path(__file__).resolve().parent.parent
PLACES = ["*.md", "commands/**/*.md", ".claudestrator/**/*.md", "docs/**/*.md", "benchmarks/**/*.md", "skills/**/*.md"]
DOCUMENTS = sorted({path for place in PLACES for path in ROOT.glob(place)})
PROMPTS = [path for path in DOCUMENTS if {"commands", ".claudestrator", "skills"} & set(path.relative_to(ROOT).parts)]
HELPER = ROOT / "helper" / "claudestrator_helper"
SOURCES = sorted(HELPER.rglob("*.py"))

VERBS = generate_cli_docs.verbs()

#: A call of the helper: at the beginning of a line of code, in backticks, in a permission rule, or behind an operator.
CALL = re.compile(
    r"(?:^[ \t>]*(?:\$ )?|[`(]|(?:[;|]|&&) )(?:\w+=\S+ )*claudestrator-helper((?:[ \t]+[^\s`|;&<>)]+)+)", re.MULTILINE
)
#: Files of Claude Code's own, which no installation lacks.
CLAUDE_CODES = {".claude/", ".claude/settings.json", ".claude/settings.local.json", ".claude/commands/"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(text: str) -> list[list[str]]:
    """The words behind each call of the helper, as far as they are fixed."""
    return [found[1].split() for found in CALL.finditer(text)]


def wrong_with(words: list[str]) -> str:
    """What the helper would not take of a call's words; "" where it takes them all."""
    known = options(cli)
    for at, word in enumerate(words):
        if word in ("*", "VERB", "…", "..."):
            return ""
        if word.startswith("-"):
            if word.split("=")[0].rstrip("].") not in known:
                return f"{word} is no option of `claudestrator-helper`"
        elif at and words[at - 1] == "--project":
            continue
        else:
            return wrong_behind(word.rstrip(".,:"), words[at + 1 :])
    return ""


def wrong_behind(verb: str, words: list[str]) -> str:
    if verb not in VERBS:
        return f"{verb} is no verb"
    known = options(VERBS[verb])
    unknown = [
        word for word in words if word.lstrip("[").startswith("--") and word.strip("[].,").split("=")[0] not in known
    ]
    return f"{unknown[0]} is no option of {verb}" if unknown else ""


def options(command: click.Command) -> set[str]:
    return {"-h", "--help"} | {
        option
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for option in parameter.opts
    }


def test_the_documents_are_found() -> None:
    assert {"commands/orchestrate.md", ".claudestrator/orchestrator_runtime.md", "docs/cli.md", "README.md"} <= set(
        map(name, DOCUMENTS)
    )
    assert sum(len(calls(path.read_text(encoding="utf-8"))) for path in DOCUMENTS) > 20


@pytest.mark.parametrize("path", [*DOCUMENTS, *SOURCES], ids=name)
def test_every_verb_and_option_that_is_named_is_real(path: Path) -> None:
    found = calls(path.read_text(encoding="utf-8"))
    assert {" ".join(words): wrong for words in found if (wrong := wrong_with(words))} == {}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("`claudestrator-helper dance`", "dance is no verb"), ("run `claudestrator-helper prompt <id>`", ""), ("    claudestrator-helper wait --mux 1", "--mux is no option of wait"),
     ("x && claudestrator-helper --prject . tasks", "--prject is no option of `claudestrator-helper`"), ("`Bash(claudestrator-helper *)`", ""),
     ("`A=1 claudestrator-helper --project DIR tasks --json`", ""), ("$ claudestrator-helper done TASK-001 --attempt 1 - <<'X'", "")],
)  # fmt: skip
def test_this_check_sees_what_is_wrong(text: str, wrong: str) -> None:
    assert [wrong_with(words) for words in calls(text)] == [wrong]


def test_the_reference_of_the_verbs_is_what_the_helper_says_of_itself() -> None:
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == generate_cli_docs.document(), "out of date: run `python tests/generate_cli_docs.py > docs/cli.md`"


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_is_documented_with_its_words_and_options(verb: str) -> None:
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8").split(f"\n## {verb}\n")
    assert len(written) == 2
    part = written[1].split("\n## ")[0]
    assert VERBS[verb].help
    assert f"`claudestrator-helper {verb}" in part
    assert all(f"`{option}" in part for option in options(VERBS[verb]) - {"-h", "--help"})


@pytest.mark.parametrize("path", PROMPTS, ids=name)
def test_every_prompts_frontmatter_is_yaml_and_describes_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if name(path) == ".claudestrator/orchestrator_runtime.md":
        assert not text.startswith("---"), "for people, who need no metadata"
        return
    metadata = yaml.safe_load(text.split("---\n")[1])
    assert metadata == frontmatter.loads(text).metadata
    # A plugin's skill without one is not in the list that each session begins with.
    assert metadata["description"] or path.stem[-1].isdecimal()
    assert all(isinstance(value, bool | str) for value in metadata.values())


def test_every_role_names_its_model() -> None:
    roles = sorted((ROOT / ".claudestrator").rglob("*_agent.md"))
    assert {"task_agent.md", "decomposition_agent.md"} <= {path.name for path in roles}
    assert all(frontmatter.load(str(path)).metadata["model"] for path in roles)


def states_files() -> set[str]:
    """The files of a run below `.claude/`, with `ID` for an id."""
    project = Project("", ".claude")
    own = {project.queue, project.session, project.lock, project.log, project.note("ID"), f"{project.markers}/"}
    return (
        own
        | {f"{project.markers}/ID.{kind}" for kind in ("done", "failed", "started")}
        | {".claude/.gitignore", ".claude/journal/", ".claude/worktrees/ID"}
        | {
            project.issues,
            memory.summary_path(project),
            project.knowledge,
            f"{project.snapshots}/loop-ID.json",
            f"{project.reports}/ID.html",
        }
    )


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_path_of_the_run_that_is_named_is_one(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = {re.sub(r"<\w+>|TASK-\d+", "ID", found) for found in re.findall(r"`(\.claude(?:strator)?/[^`\s*]*)`", text)}
    unknown = named - states_files() - CLAUDE_CODES - {".claude/claudestrator-install.json"}
    assert {found for found in unknown if not is_shipped(found)} == set()


def is_shipped(named: str) -> bool:
    """Whether a path below `.claudestrator/`, or of a command that an installation puts below `.claude/`, is in this repository."""
    place = named.removeprefix(".claude/") if named.startswith(".claude/commands/") else named
    pattern = re.sub(r"\bID\b", "*", place.replace("commands/claudestrator/", "commands/"))
    return place.startswith((".claudestrator/", "commands/")) and any(ROOT.glob(pattern.rstrip("/")))


def test_what_stays_out_of_git_are_files_of_the_run() -> None:
    names = {Path(path).name for path in states_files()}
    assert {word.rstrip("/") for word in state_file.IGNORED.split()} - {".*.tmp"} <= names


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_link_to_a_file_of_the_repository_leads_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:|#", link)]
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_orchestrators_whole_instruction_is_short() -> None:
    assert len((ROOT / "commands" / "orchestrate.md").read_text(encoding="utf-8").split()) < 400


def test_the_orchestrator_is_told_to_obey_a_typed_stop_and_pause() -> None:
    text = (ROOT / "commands" / "orchestrate.md").read_text(encoding="utf-8")
    assert "The user says stop (pause): Bash `claudestrator-helper stop` (`pause`)" in text


def test_the_version_is_the_same_everywhere() -> None:
    plugin = json.loads((ROOT / ".claude-plugin" / "plugin.json").read_text(encoding="utf-8"))
    command = (ROOT / "commands" / "orchestrate.md").read_text(encoding="utf-8")
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    assert plugin["version"] == __version__
    assert re.findall(r"--commands (\S+)", command) == [__version__]


def test_the_newest_release_in_the_changelog_is_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(__version__)}\] - \d{{4}}-\d\d-\d\d", headings[1])


@pytest.mark.parametrize("document", ["AGENTS.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_every_file_and_name_of_the_code_that_a_document_points_to_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    found = re.findall(r"`([\w./-]+/[\w.-]+\.\w+|\w+\.py)`(?::((?:,? ?(?:(?:and|or) )?`[\w.]+`)+))?", text)
    assert found
    missing = []
    for path, names in found:
        if path.startswith(".claude/"):
            continue  # a run's own files
        places = [place for place in (ROOT / path, HELPER / path) if place.exists()]
        code = places[0].read_text(encoding="utf-8") if places else ""
        words = re.findall(r"`([\w.]+)`", names)
        missing += [path] * (not places) + [f"{path}: {word}" for word in words if not re.search(rf"\b{word}\b", code)]
    assert missing == []


def test_every_hook_is_a_real_verb() -> None:
    hooks = json.loads((ROOT / "hooks" / "hooks.json").read_text(encoding="utf-8"))["hooks"]
    commands = [hook["command"] for groups in hooks.values() for group in groups for hook in group["hooks"]]
    words = [command.split("claudestrator-helper ", 1)[1].split() for command in commands]
    assert words
    assert all(wrong_with(word) == "" for word in words)


def test_every_test_that_the_promises_name_is_there() -> None:
    promises = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:e2e/)?test_\w+\.py)?(?:::(\w+))?`", promises)
    files = {file: (ROOT / "tests" / file).read_text(encoding="utf-8") for file, _ in named if file}
    everything = "".join(files.values())
    assert len(files) > 10
    assert [test for file, test in named if test and f"def {test}(" not in files.get(file, everything)] == []
