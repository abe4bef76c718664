"""The deterministic half of Claudestrator: queue, run, waiting and reports."""

#: plugin.json and orchestrate.md repeat this; a test checks that they agree.
__version__ = "0.3.0"
