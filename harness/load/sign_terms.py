"""What the harness and its worker agree on for signs of life; apart from what takes them, which loads asyncio."""

from __future__ import annotations

SIGN_PORT = 9310
"""Below the ports that requests are sent from."""

SIGN_PATH = "/harness-is-here"
END_PATH = "/harness-is-done"
"""Asks for the end, where the harness may not delete the Pod."""

BEGIN_PATH = "/begin"
"""Says when the first request is due, where the plan has the worker wait for that: `?at=` a time of its own clock."""

LINES_PATH = "/lines"
"""Asks for lines of its output again, `?from=` and `to=` their numbers: `{"lines": [...]}`, `MOST_LINES` at once."""

RECEIVED_PATH = "/received"
"""Says that all of them have come."""

MOST_LINES = 2000
SIGN_EVERY_S = 1.0
SILENCE_S = 29.0
"""After so long without a sign the load ends: within 30 s of the last. An API that is away for less is survived."""
