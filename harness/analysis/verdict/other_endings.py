"""Pods that went and who took them -> what somebody else did to the application in a rollout."""

from __future__ import annotations

from harness.analysis.causes.explained import Explained
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.windows import Span
from harness.analysis.verdict.doubts import Doubt
from harness.model.result import Taker

_BY = {
    Taker.SCALING: "a scaling",
    Taker.EVICTION: "an eviction or its node",
    Taker.CRASH: "a crash",
    Taker.FOREIGN: "somebody else",
}

SEEN_LATE_S = 0.5
"""How much earlier than it was seen a crash may have begun."""


def endings_by_others(seen: Observed, why: Explained, position: int) -> tuple[Doubt, ...]:
    """What others did to the application's pods between the update and the settling, and what failed by it later."""
    span = seen.windows.rollouts[position]
    settled = span.settled if span.settled is not None else span.end
    failing = set(why.causes.pod[why.failures.sent >= span.update].tolist())
    found: dict[str, str] = {}
    for at, pod in enumerate(seen.pods):
        taker = seen.takers.get(pod.uid)
        if taker is not None and pod.uid not in seen.ours and _touches(span, pod.end_shown, settled, at in failing):
            found.setdefault(str(taker), f"{pod.name} was taken by {_BY[taker]} in {seen.words.numbered(span.number)}")
        if any(_touches(span, start + SEEN_LATE_S, settled + SEEN_LATE_S, at in failing) for start, _ in pod.crashes):
            found.setdefault(str(Taker.CRASH), f"{pod.name} crashed in {seen.words.numbered(span.number)}")
    return tuple(found.items())


def _touches(span: Span, moment: float | None, settled: float, failing: bool) -> bool:
    """Whether something that happened at `moment` belongs to the rollout: it came before the settling, or requests
    failed by it."""
    return moment is not None and span.update <= moment < span.end and (moment <= settled or failing)
