"""The deterministic half of Claudestrator: queue, run, waiting and reports."""

#: A test holds plugin.json and orchestrate.md, which can't ask for it, equal to this.
__version__ = "0.2.0"
