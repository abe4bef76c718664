"""Facts about Claude Code, the program that hosts the helper: its names, limits and wording, each with its source.

"Measured" means seen with Claude Code 2.1.329 driven by a scripted Messages API on loopback, headless (`claude -p`) and
in a terminal; tests/rig is that set-up. "Read" means read in the documentation or the program, but not seen. "Since"
names the first release that has it, of 25 tried headless from 2.1.111 to 2.1.332. An address is the documenting page.
Every hook imports this module, so it holds only plain constants and what tells the release that runs.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: The release in Bash calls (`claude-code_2-1-332_agent`) and in hooks (`claude-code_2-1-332_harness`). Measured on
#: 2.1.138, 2.1.150 and 2.1.332. A value that a person has set stays as it is; read.
RELEASE = "AI_AGENT"
#: The oldest release that is supported and tested.
OLDEST = (2, 1, 145)
# What a run uses and not every release has, by the words for people, each with the first release that has it. Measured.
HOOKS_ACCEPTED, LAUNCHES_TRIMMED, SILENT_AGENTS = "hooks", "trimmed launches", "the quick notice of silent agents"
OWNER, BACKGROUND_SKILLS, NOTICES_BLOCKED = "the quick takeover of a dead run", "background skills", "blocked notices"
MODS, EXACT_CONTEXT, BARE_RESULTS = "mods", "exact figures of `context`", "bare results of skills"
SINCE = {
    HOOKS_ACCEPTED: (2, 1, 116),  # a hooks.json that names USER_PROMPT_EXPANSION
    LAUNCHES_TRIMMED: (2, 1, 121),  # OUTPUT for every tool
    SILENT_AGENTS: (2, 1, 145),  # BACKGROUND_TASKS in SUBAGENT_STOP; before, a race decides
    OWNER: (2, 1, 213),  # PID
    BACKGROUND_SKILLS: (2, 1, 218),  # or shortly before; not in 2.1.206
    NOTICES_BLOCKED: (2, 1, 260),  # USER_PROMPT_SUBMIT for notices
    MODS: (2, 1, 286),  # by a rollout flag of Claude Code's that is on
    EXACT_CONTEXT: (2, 1, 310),  # reminders in transcripts
    BARE_RESULTS: (2, 1, 323),  # no text around the result of a skill that has failed
}


def release(environ: "Mapping[str, str]") -> tuple[int, ...] | None:
    """The release of Claude Code that *environ* comes from, for example (2, 1, 332); None if it does not say."""
    name, _, rest = environ.get(RELEASE, "").partition("_")
    parts = rest.partition("_")[0].split("-")
    known = name == "claude-code" and len(parts) == 3 and all(part.isdecimal() and part.isascii() for part in parts)
    return tuple(map(int, parts)) if known else None


def lacks(environ: "Mapping[str, str]", feature: str) -> bool:
    """Whether the release that *environ* comes from is known and older than the *feature*, a key of SINCE."""
    running = release(environ)
    return running is not None and running < SINCE[feature]


# Hook events. https://code.claude.com/docs/en/hooks, and each measured.
SESSION_START = "SessionStart"
USER_PROMPT_SUBMIT = "UserPromptSubmit"  # also for agents' notices, since 2.1.260
USER_PROMPT_EXPANSION = "UserPromptExpansion"  # a typed slash command; 2.1.114 rejects a hooks.json that names it
PRE_TOOL_USE = "PreToolUse"
POST_TOOL_USE = "PostToolUse"
SUBAGENT_STOP = "SubagentStop"  # lists the background tasks since 2.1.145
STOP_FAILURE = "StopFailure"  # in place of SubagentStop after an API error
STOP = "Stop"
#: The event's name in a prompt's input, as bytes. Compact JSON, in which a quote inside a text is escaped. Measured.
PROMPT_EVENT = b'"hook_event_name":"UserPromptSubmit"'

# Fields of a hook's input. https://code.claude.com/docs/en/hooks, and each measured.
EVENT, SESSION, CWD, MODE = "hook_event_name", "session_id", "cwd", "permission_mode"
SOURCE, COMPACTED, CLEARED = "source", "compact", "clear"  # of a session's start; read
TURN = "prompt_id"  # the same for all events of a turn; a notice that begins one has its own. Measured
PROMPT, COMMAND_NAME, COMMAND_ARGS = "prompt", "command_name", "command_args"
TOOL, INPUT, RESPONSE = "tool_name", "tool_input", "tool_response"
LAST_MESSAGE = "last_assistant_message"  # of an agent that has ended
AGENT, ERROR, HOOK_ACTIVE = "agent_id", "error", "stop_hook_active"  # agent_id: only where an agent causes the event
TRANSCRIPT, AGENT_TRANSCRIPT = "transcript_path", "agent_transcript_path"
LAST_WORDS = "last_assistant_message"  # of an agent that ends; its transcript may get them 0.1 s later
#: Objects with `id`, `status` and `description`, for an agent the Task call's; they are the whole session's.
BACKGROUND_TASKS, RUNNING = "background_tasks", "running"
#: Values of `error` that are about the account or the server, after ten requests. Read.
SERVICE_ERRORS = ("rate_limit", "server_error", "overloaded", "authentication_failed", "billing_error")

# Fields of a hook's answer. https://code.claude.com/docs/en/hooks, and each measured.
SPECIFIC, SPECIFIC_EVENT = "hookSpecificOutput", "hookEventName"
DECISION, BLOCK, REASON = "decision", "block", "reason"
PERMISSION, PERMISSION_REASON = "permissionDecision", "permissionDecisionReason"
CHANGED_INPUT = "updatedInput"  # the whole input; newer releases check it as if the model had given it. Measured
#: Replaces a result, where it fits the tool's output schema; otherwise it is ignored without a word. Since 2.1.121.
OUTPUT = "updatedToolOutput"
MESSAGE = "systemMessage"  # shown to the person, where printed lines are folded away
SUPPRESS_PROMPT = "suppressOriginalPrompt"

# Tools. Measured: Task still works as a name of Agent.
MODELS = ("haiku", "sonnet", "opus", "fable")  # that an Agent call may name; read
BASH, SKILL, EDIT, WRITE, READ = "Bash", "Skill", "Edit", "Write", "Read"
LAUNCHERS = ("Agent", "Task")
#: All fields of a Bash call that does not ask to leave the sandbox. Read.
BASH_FIELDS = {"command", "description", "timeout", "run_in_background"}
#: The status of an agent that was launched in the background, and of a forked skill. Measured.
LAUNCHED, FORKED = "async_launched", "forked"
#: True in the response of a forked skill that runs in the background. While one does, another call of that skill runs
#: in the foreground; a PreToolUse hook may name another skill. Measured on 2.1.280 and 2.1.332.
BACKGROUND = "background"
AGENT_NAME = "agentId"  # in a tool's response, where hook inputs have agent_id
#: Fields of a launch's result that the schema of updatedToolOutput requires. Measured.
LAUNCH_FIELDS = ("status", "isAsync", AGENT_NAME, "description", "prompt", "outputFile")
#: Flags of the same result: each adds text on how to read or continue the agent. Measured.
LAUNCH_ADVICE = ("canReadOutputFile", "canContinueAgent")

# Limits, in seconds, characters and counts.
BASH_CAP = 600  # the longest Bash call without BASH_MAX_TIMEOUT_MS; past it the call moves to the background. Measured
COMMAND_LIMIT = 10_000  # characters of a Bash command that can be allowed: 9,990 pass, 10,050 do not. Measured
OUTPUT_LIMIT = 30_000  # characters of a Bash call's output. https://code.claude.com/docs/en/env-vars
STOP_BLOCKS = 8  # in a row without a tool call; read
HOOK_TIMEOUT = 60  # the default of earlier releases; newer ones have 600. https://code.claude.com/docs/en/hooks
AGENTS_AT_ONCE = 20  # read

# Environment variables. https://code.claude.com/docs/en/env-vars, except where it says "measured".
PROJECT_FOLDER = "CLAUDE_PROJECT_DIR"  # in hooks, not in Bash calls
CONFIG_FOLDER = "CLAUDE_CONFIG_DIR"
MAX_TIMEOUT = "BASH_MAX_TIMEOUT_MS"  # also read from a trusted project's settings
SESSION_ID = "CLAUDE_CODE_SESSION_ID"  # in hooks and Bash calls, since 2.1.132. Measured
PID = "CLAUDE_PID"  # in hooks and Bash calls, since 2.1.213. Measured
ATTENDED = "CLAUDE_CODE_SESSION_ATTENDED"  # "0" headless and in background sessions, since 2.1.269. Measured
ENTRY, TERMINAL = "CLAUDE_CODE_ENTRYPOINT", "cli"  # "sdk-cli" headless. Measured
NO_BACKGROUND = "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS"  # skills and commands stay in the foreground; read
JOB = "CLAUDE_JOB_DIR"  # in the Bash calls of a background session, `claude --bg`. Measured on 2.1.332
JOB_STATE = (
    "state.json"  # there; it may have the last key of ISOLATION, for an interactive session that was sent away; read
)

# Settings. https://code.claude.com/docs/en/settings and https://code.claude.com/docs/en/permissions
MANAGED_SETTINGS = "/etc/claude-code/managed-settings.json"
SETTINGS, LOCAL_SETTINGS = "settings.json", "settings.local.json"
PERMISSIONS, ALLOW, DENY, ASK, DEFAULT_MODE = "permissions", "allow", "deny", "ask", "defaultMode"
# Unless it is ISOLATION_OFF, agents of a background session may not write to the checkout. Measured on 2.1.332.
ISOLATION, ISOLATION_OFF = ("worktree", "bgIsolation"), "none"
WORKTREES = ".claude/worktrees"  # in the checkout. https://code.claude.com/docs/en/worktrees
ENV, HOOKS, NO_HOOKS, PLUGINS = "env", "hooks", "disableAllHooks", "enabledPlugins"
MATCHER, CONDITION = "matcher", "if"  # `if` is a permission rule: for other calls no process is started. Measured
# Permission modes. In auto mode a hook can't hold an agent that ends; read.
PLAN, DONT_ASK, DEFAULT, AUTO = "plan", "dontAsk", "default", "auto"
INSTALLED_PLUGINS = ("plugins", "installed_plugins.json")  # below the config folder. Measured

# Transcripts, one JSON object a line: projects/<folder>/<session>.jsonl and <session>/subagents/agent-<agent>.jsonl
# below the config folder. Measured.
TRANSCRIPTS, AGENTS_FOLDER, AGENT_PREFIX, LINES = "projects", "subagents", "agent-", ".jsonl"
AGENT_FACTS = ".meta.json"  # beside an agent's transcript
PARENT = b'"parentAgentId"'  # in those facts, for an agent that another agent launched

#: Beginnings of lines that repeat for Claude Code's own use what other lines hold.
REPEATING = (b'{"type":"api-request', b'{"type":"file-history')

# Texts that Claude Code writes. Measured.
NOTICE, NOTICE_KIND = "<task-notification>", "task-notification"  # begins the notice of a background task's end
NOTICE_FRAME = 531  # characters around a notice that begins a turn, which the transcript leaves out
NOTICE_TASK = "<task-id>{}</task-id>"
NOTICE_CALL = r"<tool-use-id>([^<]{1,100})<"
#: The agent, and its description: a skill's is its name and the words of the call, cut at 50 characters.
NOTICE_SUMMARY = r"<task-id>([\w-]+)</task-id>.*?<summary>Agent \"(?:/[\w:-]+ )?([\w.-]+…?)\" "
REMINDER = ("<system-reminder>\n", "\n</system-reminder>")  # left out around a system message
BETWEEN_REMINDERS = 2  # characters in one system message
COMMAND, COMMAND_NAMED = "<command-", "<command-name>/{}</command-name>"  # a typed slash command
COMMAND_WORDS = ("<command-args>", "</command-args>")

#: The first process in the sandbox on Linux. https://code.claude.com/docs/en/sandboxing
SANDBOX = "bwrap"
