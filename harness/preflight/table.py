"""An intent and its surroundings -> what is in its way there, from one table: a row says when it holds, and its words.

What is wrong with the workload itself is `harness.spec.hazards`; here is what its namespace does to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.preflight.finding import Finding, Weight
from harness.preflight.intent import Intent
from harness.preflight.surroundings import Object, Surroundings

Row = Callable[[Intent, Surroundings], Iterator[Finding]]


def _terminating(_: Intent, around: Surroundings) -> Iterator[Finding]:
    metadata: Object = (around.namespace or {}).get("metadata") or {}
    if "deletionTimestamp" in metadata:
        yield Finding(
            weight=Weight.BLOCKS,
            words=f"namespace {around.name} is being deleted since {metadata['deletionTimestamp']}",
            mend="Wait until it is gone, or name another namespace.",
        )


ROWS: tuple[Row, ...] = (_terminating,)
"""In the order in which they are told."""


def findings(intent: Intent, around: Surroundings) -> tuple[Finding, ...]:
    """All that the table has to say."""
    return tuple(found for row in ROWS for found in row(intent, around))
