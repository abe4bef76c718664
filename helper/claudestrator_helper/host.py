"""Facts about Claude Code, the program that hosts the helper: its names, limits and wording, each with its source.

"Measured" means seen with Claude Code 2.1.329 and 2.1.332 driven by a scripted Messages API on loopback, headless
(`claude -p`) and in a terminal; tests/rig is that set-up. "Read" means read in the documentation or the program, not
seen. "Since" names the first release that has it, of 25 tried headless from 2.1.111 to 2.1.332. An address is the
documenting page, as of August 2026. Every hook imports this module, so it holds constants and what tells the release.
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
OWNER, BACKGROUND_SKILLS, NOTICES_BLOCKED = "the number of its process", "background skills", "blocked notices"
MODS, EXACT_CONTEXT, BARE_RESULTS = "mods", "exact figures of `context`", "bare results of skills"
FOLDED = "folded Bash output"
SINCE = {
    HOOKS_ACCEPTED: (2, 1, 116),  # a hooks.json that names USER_PROMPT_EXPANSION
    LAUNCHES_TRIMMED: (2, 1, 121),  # OUTPUT for every tool
    SILENT_AGENTS: (2, 1, 145),  # BACKGROUND_TASKS in SUBAGENT_STOP; before, a race decides
    OWNER: (2, 1, 213),  # PID
    BACKGROUND_SKILLS: (2, 1, 218),  # https://code.claude.com/docs/en/skills
    FOLDED: (2, 1, 233),  # in a terminal; or some releases later: not in 2.1.232, and in 2.1.248
    # USER_PROMPT_SUBMIT for notices. For a person Claude Code puts "UserPromptSubmit operation blocked by hook:" before
    # the reason. No other answer keeps a notice out: `continue: false` lets it in. Read in 2.1.280 and 2.1.332.
    NOTICES_BLOCKED: (2, 1, 260),
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
#: Someone has been waited for, six seconds after a dialog that no one has answered. Measured on 2.1.206, 2.1.280 and
#: 2.1.332; 2.1.145 denies background agents what would ask.
NOTIFICATION = "Notification"
#: The event's name in a prompt's input, as bytes. Compact JSON, in which a quote inside a text is escaped. Measured.
PROMPT_EVENT = b'"hook_event_name":"UserPromptSubmit"'

# Fields of a hook's input. https://code.claude.com/docs/en/hooks, and each measured.
EVENT, SESSION, CWD, MODE = "hook_event_name", "session_id", "cwd", "permission_mode"
SOURCE, COMPACTED, CLEARED, RESUMED = "source", "compact", "clear", "resume"  # of a session's start; read
TURN = "prompt_id"  # the same for all events of a turn; a notice that begins one has its own. Measured
#: Of a notification; the values that are about a person who is waited for, the last for a minute at an idle prompt.
NOTIFICATION_KIND, NOTIFICATION_TEXT = "notification_type", "message"
ASKING, IDLE = ("permission_prompt", "elicitation_dialog", "agent_needs_input"), "idle_prompt"
PROMPT, COMMAND_NAME, COMMAND_ARGS = "prompt", "command_name", "command_args"
TOOL, INPUT, RESPONSE = "tool_name", "tool_input", "tool_response"
LAST_MESSAGE = "last_assistant_message"  # of an agent that has ended
AGENT, ERROR, HOOK_ACTIVE = "agent_id", "error", "stop_hook_active"  # agent_id: only where an agent causes the event
TRANSCRIPT, AGENT_TRANSCRIPT = "transcript_path", "agent_transcript_path"
LAST_WORDS = "last_assistant_message"  # of an agent that ends; its transcript may get them 0.1 s later
#: Objects with ID, STATUS and DESCRIPTION, for an agent the Task call's; they are the whole session's.
BACKGROUND_TASKS, RUNNING = "background_tasks", "running"
ID, STATUS = "id", "status"
#: Values of `error` that are about the account or the server, after ten requests. https://code.claude.com/docs/en/hooks
SERVICE_ERRORS = ("rate_limit", "server_error", "overloaded", "authentication_failed", "billing_error")

# Fields of a hook's answer. https://code.claude.com/docs/en/hooks, and each measured.
SPECIFIC, SPECIFIC_EVENT = "hookSpecificOutput", "hookEventName"
DECISION, BLOCK, REASON = "decision", "block", "reason"
PERMISSION, PERMISSION_REASON = "permissionDecision", "permissionDecisionReason"
CHANGED_INPUT = "updatedInput"  # the whole input; newer releases check it as if the model had given it. Measured
#: Replaces a result, where it fits the tool's output schema; otherwise it is ignored without a word. Since 2.1.121.
OUTPUT = "updatedToolOutput"
CONTEXT = "additionalContext"  # enters the conversation
MESSAGE = "systemMessage"  # shown to the person, where printed lines are folded away
#: Characters for the terminal itself, such as a notification. Measured on 2.1.332, the first release that is known to
#: have it.
TERMINAL, TERMINAL_SINCE = "terminalSequence", (2, 1, 332)
SUPPRESS_PROMPT = "suppressOriginalPrompt"

# Tools. Measured: Task still works as a name of Agent.
MODELS = ("haiku", "sonnet", "opus", "fable")  # of an Agent call. https://code.claude.com/docs/en/sub-agents
BASH, SKILL, EDIT, WRITE, READ = "Bash", "Skill", "Edit", "Write", "Read"
LAUNCHERS = ("Agent", "Task")
# Fields of calls: of Bash, of LAUNCHERS and Bash, and of SKILL.
BASH_COMMAND, DESCRIPTION, SKILL_NAME, SKILL_ARGS = "command", "description", "skill", "args"
#: All fields of a Bash call that does not ask to leave the sandbox. Read.
BASH_FIELDS = {BASH_COMMAND, DESCRIPTION, "timeout", "run_in_background"}
#: The status of an agent that was launched in the background, and of a forked skill. Measured.
LAUNCHED, FORKED = "async_launched", "forked"
#: True in the response of a forked skill that runs in the background. While one does, another call of that skill runs
#: in the foreground; a PreToolUse hook may name another skill. Measured on 2.1.280 and 2.1.332.
BACKGROUND = "background"
AGENT_NAME = "agentId"  # in a tool's response, where hook inputs have agent_id
#: Fields of a launch's result that the schema of updatedToolOutput requires. Measured.
LAUNCH_FIELDS = (STATUS, "isAsync", AGENT_NAME, DESCRIPTION, "prompt", "outputFile")
#: Those of them that only take room in the conversation, and what is as good.
LAUNCH_EMPTIED = {"prompt": "", "outputFile": ""}
# A forked skill's result: its name, the rest of a failed one's, to which Claude Code adds no text, and its text.
FORK_NAME, FORK_FAILED, FORK_RESULT = "commandName", {"success": False, STATUS: FORKED}, "result"
#: Flags of the same result: each adds text on how to read or continue the agent. Measured.
LAUNCH_ADVICE = ("canReadOutputFile", "canContinueAgent")

#: Fields of a call that writes or edits a file. The transcript of an agent has the call, and no patch. Measured.
FILE_PATH, CONTENT, OLD, NEW = "file_path", "content", "old_string", "new_string"

# Limits, in seconds, characters and counts.
BASH_CAP = 600  # the longest Bash call without BASH_MAX_TIMEOUT_MS; past it the call moves to the background. Measured
COMMAND_LIMIT = 10_000  # characters of a Bash command that can be allowed: 9,990 pass, 10,050 do not. Measured
OUTPUT_LIMIT = 30_000  # characters of a Bash call's output. https://code.claude.com/docs/en/env-vars
STOP_BLOCKS = 8  # in a row without a tool call. https://code.claude.com/docs/en/hooks
HOOK_TIMEOUT = 60  # the default of earlier releases; newer ones have 600. https://code.claude.com/docs/en/hooks
AGENTS_AT_ONCE = 20  # https://code.claude.com/docs/en/sub-agents

# Environment variables. https://code.claude.com/docs/en/env-vars, except where it says "measured".
PROJECT_FOLDER = "CLAUDE_PROJECT_DIR"  # in hooks, not in Bash calls. https://code.claude.com/docs/en/hooks
CONFIG_FOLDER = "CLAUDE_CONFIG_DIR"
MAX_TIMEOUT = "BASH_MAX_TIMEOUT_MS"  # also read from a trusted project's settings
SESSION_ID = "CLAUDE_CODE_SESSION_ID"  # in hooks and Bash calls, since 2.1.132. Measured
PID = "CLAUDE_PID"  # in hooks and Bash calls, since 2.1.213. Measured
#: What every Bash call has, and no terminal of a person. CLAUDECODE is documented; AI_AGENT measured on 2.1.332.
IN_BASH = ("CLAUDECODE", RELEASE, PID)
ATTENDED = "CLAUDE_CODE_SESSION_ATTENDED"  # "0" headless and in background sessions, since 2.1.269. Measured
ENTRY, INTERACTIVE = "CLAUDE_CODE_ENTRYPOINT", "cli"  # "sdk-cli" headless. Measured
NO_BACKGROUND = "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS"  # skills and commands stay in the foreground; read
JOB = "CLAUDE_JOB_DIR"  # in a background session, `claude --bg`. https://code.claude.com/docs/en/agent-view
JOB_STATE = "state.json"  # in that folder; has the last key of ISOLATION where a person sent the session there; read

# Settings. https://code.claude.com/docs/en/settings-reference and https://code.claude.com/docs/en/permissions
MANAGED_SETTINGS = "/etc/claude-code/managed-settings.json"  # https://code.claude.com/docs/en/managed-settings
SETTINGS, LOCAL_SETTINGS = "settings.json", "settings.local.json"
PERMISSIONS, ALLOW, DENY, ASK, DEFAULT_MODE = "permissions", "allow", "deny", "ask", "defaultMode"
# Unless it is ISOLATION_OFF, agents of a background session may not write to the checkout. Since 2.1.143. Measured on
# 2.1.332. https://code.claude.com/docs/en/agent-view
ISOLATION, ISOLATION_OFF = ("worktree", "bgIsolation"), "none"
WORKTREES = ".claude/worktrees"  # in the checkout. https://code.claude.com/docs/en/worktrees
#: {"type": "command", "command": …, "refreshInterval": seconds}; https://code.claude.com/docs/en/statusline. Without
#: the last, which 2.1.145 has too, it is drawn anew only when something enters the conversation. Measured on 2.1.332.
STATUS_LINE, REFRESH = "statusLine", "refreshInterval"
# What a status line's command is given.
WORKSPACE, WORKSPACE_PROJECT, COST, DOLLARS = "workspace", "project_dir", "cost", "total_cost_usd"
ENV, HOOKS, NO_HOOKS, PLUGINS = "env", "hooks", "disableAllHooks", "enabledPlugins"
MATCHER, CONDITION = "matcher", "if"  # `if` is a permission rule: for other calls no process is started. Measured
# https://code.claude.com/docs/en/permission-modes. In auto mode a hook can't hold an agent that ends; read.
PLAN, DONT_ASK, DEFAULT, AUTO = "plan", "dontAsk", "default", "auto"
INSTALLED_PLUGINS = ("plugins", "installed_plugins.json")  # below the config folder. Measured
# Its table of plugins; of each, a list of installations.
PLUGIN_TABLE, PLUGIN_VERSION, PLUGIN_PROJECT = "plugins", "version", "projectPath"

# Transcripts, one JSON object a line: projects/<folder>/<session>.jsonl and <session>/subagents/agent-<agent>.jsonl
# below the config folder. Measured.
TRANSCRIPTS, AGENTS_FOLDER, AGENT_PREFIX, LINES = "projects", "subagents", "agent-", ".jsonl"
AGENT_FACTS = ".meta.json"  # beside an agent's transcript
PARENT = b'"parentAgentId"'  # in those facts, for an agent that another agent launched
# Also there, as bytes of compact JSON: a person has stopped the agent (measured on 2.1.218, 2.1.280 and 2.1.332; after
# /clear, beside the new session's transcript), or it has ended its turn, until its own job wakes it (measured on
# 2.1.332; the programs have it since 2.1.310, not in 2.1.300). An agent that works has neither.
STOPPED_BY_PERSON, FINISHED = b'"stoppedByUser":true', b'"finished":true'

# A line's fields and their values. Its `message` is the Messages API's. Measured.
KIND, ASSISTANT, USER, SYSTEM, ATTACHMENT = "type", "assistant", "user", "system", "attachment"
SUBTYPE, COMPACTION, LOCAL_COMMAND = "subtype", "compact_boundary", "local_command"
UUID, TIME, TOOL_RESULT = "uuid", "timestamp", "toolUseResult"
SIDECHAIN = "isSidechain"  # of an agent, in the session's own transcript; read
META, SUMMARY, ONLY_SHOWN, API_ERROR = "isMeta", "isCompactSummary", "isVisibleInTranscriptOnly", "isApiErrorMessage"
ORIGIN = ("origin", "kind")  # NOTICE_KIND for a notice
NO_MODEL = "<synthetic>"  # the model of an answer that no request brought
RENDERED, ROLE = "rendered", "renderedRole"  # what is sent for an attachment, since 2.1.310, and the role it has there
# Kinds of attachments.
QUEUED, HOOK_CONTEXT, TASK_STATUS, SKILLS = "queued_command", "hook_additional_context", "task_status", "invoked_skills"
ATTACHED_CALL = "toolUseID"  # of an attachment
# Of a compaction: the ids of the lines that it keeps, and the tokens that are left.
COMPACTED_TO, KEPT, TOKENS_LEFT = "compactMetadata", ("preservedMessages", "uuids"), "postTokens"

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

#: The name of the process of Claude Code. Measured.
PROGRAM = "claude"

#: The first process in the sandbox on Linux. https://code.claude.com/docs/en/sandboxing
SANDBOX = "bwrap"
