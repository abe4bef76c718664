"""Which Bash calls are one plain call of the helper and nothing else, so that they may run without a prompt.

Claude Code's shell is bash or zsh. What either of them could take for more than words is approved in neither: no
quotes but single ones around a whole word, no expansion, no redirection but one here-document whose mark is quoted.
"""

import re

#: What the orchestrator and its agents run. A person's verbs ask as ever, and so does `--project`.
VERBS = (
    "wait", "prompt", "done", "fail", "verdict", "add-tasks", "add-issue", "remember", "tasks", "issues", "next-task",
    "status", "check",
)  # fmt: skip
#: What a Bash call may hold besides; one that asks to leave the sandbox is none of ours.
_FIELDS = {"command", "description", "timeout", "run_in_background"}
_WORD = r"(?!'?--project)(?:[A-Za-z0-9_.,:/@+-]+|'[ -&(-~]*')"
_BODY = r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*"
_CALL = re.compile(rf"claudestrator-helper (?:{'|'.join(VERBS)})(?: {_WORD})*(?: <<'([A-Z]+)'\n({_BODY}))?")


def is_plain(tool_input: dict[str, object]) -> bool:
    """Whether that input of the Bash tool is one call of the helper and nothing else."""
    command = tool_input.get("command")
    if not isinstance(command, str) or not set(tool_input) <= _FIELDS:
        return False
    call = _CALL.fullmatch(command.removesuffix("\n"))
    if call is None or call[1] is None:
        return call is not None
    # The shell ends the document at the first such line, and takes what follows for commands.
    *lines, last = call[2].split("\n")
    return last == call[1] and last not in lines
