"""A run as a state machine: state, queue, markers and time in; a step out. No file, no clock."""
