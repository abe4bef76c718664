"""The deterministic half of Claudestrator: queue, run, waiting and reports."""
