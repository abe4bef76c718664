"""Facts about Claude Code, the program that hosts the helper: its names, limits and wording, each with its source.

"Measured" means seen with Claude Code 2.1.329 driven by a scripted Messages API on loopback, headless (`claude -p`) and
in a terminal; tests/rig is that set-up. "Read" means read in the documentation or the program, but not seen. "Since"
names the first release that has it, of 25 tried headless from 2.1.111 to 2.1.332. An address is the documenting page.
Every hook imports this module, so it holds only plain constants.
"""

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
PROMPT, COMMAND_NAME, COMMAND_ARGS = "prompt", "command_name", "command_args"
TOOL, INPUT, RESPONSE = "tool_name", "tool_input", "tool_response"
AGENT, ERROR, HOOK_ACTIVE = "agent_id", "error", "stop_hook_active"  # agent_id: only where an agent causes the event
TRANSCRIPT, AGENT_TRANSCRIPT = "transcript_path", "agent_transcript_path"
#: Objects with `id`, `status` and `description`, for an agent the Task call's; they are the whole session's.
BACKGROUND_TASKS, RUNNING = "background_tasks", "running"
#: Values of `error` that are about the account or the server, after ten requests. Read.
SERVICE_ERRORS = ("rate_limit", "server_error", "overloaded", "authentication_failed", "billing_error")

# Fields of a hook's answer. https://code.claude.com/docs/en/hooks, and each measured.
SPECIFIC, SPECIFIC_EVENT = "hookSpecificOutput", "hookEventName"
DECISION, BLOCK, REASON = "decision", "block", "reason"
PERMISSION, PERMISSION_REASON = "permissionDecision", "permissionDecisionReason"
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
AGENT_NAME = "agentId"  # in a tool's response, where hook inputs have agent_id
#: Fields of a launch's result that the schema of updatedToolOutput requires. Measured.
LAUNCH_FIELDS = ("status", "isAsync", AGENT_NAME, "description", "prompt", "outputFile")
#: Flags of the same result: each adds text on how to read or continue the agent. Measured.
LAUNCH_ADVICE = ("canReadOutputFile", "canContinueAgent")

#: Fields of an edit's result, with the lines of each hunk and their signs; a new file has no hunks. Measured.
EDITED, PATCH, CREATED = "filePath", "structuredPatch", "create"

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
ATTENDED = "CLAUDE_CODE_SESSION_ATTENDED"  # "0" headless, since 2.1.269. Measured

# Settings. https://code.claude.com/docs/en/settings and https://code.claude.com/docs/en/permissions
MANAGED_SETTINGS = "/etc/claude-code/managed-settings.json"
SETTINGS, LOCAL_SETTINGS = "settings.json", "settings.local.json"
PERMISSIONS, ALLOW, DENY, ASK, DEFAULT_MODE = "permissions", "allow", "deny", "ask", "defaultMode"
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
NOTICE_SUMMARY = r"<task-id>([\w-]+)</task-id>.*?<summary>Agent \"([\w.-]+)\" "  # the agent, and its description
REMINDER = ("<system-reminder>\n", "\n</system-reminder>")  # left out around a system message
BETWEEN_REMINDERS = 2  # characters in one system message
COMMAND, COMMAND_NAMED = "<command-", "<command-name>/{}</command-name>"  # a typed slash command
COMMAND_WORDS = ("<command-args>", "</command-args>")

#: The first process in the sandbox on Linux. https://code.claude.com/docs/en/sandboxing
SANDBOX = "bwrap"
