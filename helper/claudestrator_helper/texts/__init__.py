"""Text in, text out: queues, issues, ids, statuses, Markdown. No file, no clock."""
