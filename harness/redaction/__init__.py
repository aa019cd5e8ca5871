"""Values that may be secret, in objects and in text, into digests: the one door to all that is written.

A process has one door, `door()`, so that all runs of an experiment, its reports and the terminal know the same secrets
and show equal values as equal.
"""

from __future__ import annotations

from harness.redaction.redaction import Redaction, without_digests

__all__ = ["Redaction", "door", "without_digests"]

_of_this_process = Redaction()


def door() -> Redaction:
    """The door of this process."""
    return _of_this_process
