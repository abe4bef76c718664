"""What Claude Code tells a hook, and what it is answered."""

Answer = dict[str, object]
