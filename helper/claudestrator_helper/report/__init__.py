"""The report of a run: gathered from its files, kept for each run, and shown as a page, Markdown or JSON."""
