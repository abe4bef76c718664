"""Installing, the helper's environment, and Claude Code's settings."""
