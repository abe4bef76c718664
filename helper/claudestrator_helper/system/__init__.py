"""Other programs and processes: git, secret scanners, the processes of Claude Code."""
