"""Changes of the Service that came while a deploy command ran -> the deploy's own, until it leads to new pods alone."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from harness.analysis.observed.controllers import Controllers
from harness.analysis.observed.endpoints import Endpoints
from harness.analysis.observed.foreign_changes import ForeignChange
from harness.analysis.observed.lateness import SLOW_WATCH_S
from harness.analysis.observed.windows import Windows


def charged_to_deploys(
    changes: Iterable[ForeignChange], told: Controllers, listed: Endpoints, spans: Windows
) -> tuple[ForeignChange, ...]:
    """The same changes; of those that came while a deploy command ran it is said, and until when they misled."""
    return tuple(
        replace(change, by_deploy=True, end=min(change.end, _misled_until(change.start, listed, spans)))
        if told.ran_at(change.start)
        else change
        for change in changes
    )


def _misled_until(start: float, listed: Endpoints, spans: Windows) -> float:
    """When none of the pods was listed any more that were as the Service was changed, and another was.

    Where they stay, it is one that leads to the same pods: then until the rollout has settled.
    """
    left = max((until for _, until in _listed_at(start - SLOW_WATCH_S, listed)), default=start)
    if left < math.inf:
        return next((filled for empty, filled in listed.empty if empty <= left < filled), left)
    span = spans.at(start)
    return span.settled if span is not None and span.settled is not None else math.inf


def _listed_at(t: float, listed: Endpoints) -> Iterable[tuple[float, float]]:
    """When the pods that were listed at `t` were."""
    for spans in listed.listed.values():
        if any(since <= t < until for since, until in spans):
            yield from spans
