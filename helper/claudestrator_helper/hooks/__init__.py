"""Claude Code's hook events."""
