"""A run on disk: its steps, taken one at a time."""
