"""Pods that went and who took them -> what somebody else did to the application in a rollout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from harness.analysis.causes.explained import Explained
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.analysis.observed.windows import Span
from harness.analysis.verdict.doubts import Doubt
from harness.model.reasons import Reason
from harness.model.result import Taker

_BY = {
    Taker.SCALING: "a scaling",
    Taker.EVICTION: "an eviction or its node",
    Taker.CRASH: "a crash",
    Taker.FOREIGN: "somebody else",
}

SEEN_LATE_S = 0.5
"""How much earlier than it was seen a crash may have begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A pod that others took (`taker`), or that crashed, and when the last request failed that it was charged with."""

    pod: Life
    taker: Taker | None
    last_failed: float


def endings(seen: Observed, why: Explained) -> tuple[Ending, ...]:
    """The pods that others took or that crashed, in the whole run."""
    last = np.full(len(seen.pods) + 1, -np.inf)  # NOBODY is the last
    np.maximum.at(last, why.causes.pod, np.nan_to_num(why.failures.sent, nan=-np.inf))
    by_others = (
        (at, pod, None if pod.uid in seen.ours else seen.takers.get(pod.uid)) for at, pod in enumerate(seen.pods)
    )
    return tuple(
        Ending(pod=pod, taker=taker, last_failed=float(last[at]))
        for at, pod, taker in by_others
        if taker is not None or pod.crashes
    )


def endings_by_others(seen: Observed, known: Iterable[Ending], position: int) -> tuple[Doubt, ...]:
    """What others did to the application's pods between the update and the settling, and what failed by it later."""
    span = seen.windows.rollouts[position]
    settled = span.settled if span.settled is not None else span.end
    found: dict[Reason, str] = {}
    for one in known:
        pod, taker, failing = one.pod, one.taker, one.last_failed >= span.update
        if taker is not None and _touches(span, pod.end_shown, settled, failing):
            found.setdefault(
                Reason(taker), f"{pod.name} was taken by {_BY[taker]} in {seen.words.numbered(span.number)}"
            )
        if any(_touches(span, start + SEEN_LATE_S, settled + SEEN_LATE_S, failing) for start, _ in pod.crashes):
            found.setdefault(
                Reason.CRASH,
                f"{pod.name} crashed{f' ({pod.fell_by})' if pod.fell_by else ''} in {seen.words.numbered(span.number)}",
            )
    return tuple(found.items())


def _touches(span: Span, moment: float | None, settled: float, failing: bool) -> bool:
    """Whether something that happened at `moment` belongs to the rollout: it came before the settling, or requests
    failed by it."""
    return moment is not None and span.update <= moment < span.end and (moment <= settled or failing)
