"""How many examples the laws are tried on: with EXAMPLES=20 in the environment, twenty times as many."""

import os

TIMES = int(os.environ.get("EXAMPLES", "1"))
