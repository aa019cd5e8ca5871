"""One failed request and the table of rules -> which rules were tried, and which condition kept each from holding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.failures import Failures
from harness.analysis.causes.intervals import NOBODY, Spans
from harness.analysis.causes.naming import Asked, Causes, slow_answers
from harness.analysis.causes.row import FLAG_WORDS, MOMENT_WORDS, WAY_WORDS, Flag, Moment, Row, Way
from harness.analysis.observed.pods import Life
from harness.model.explanation import Condition, Demand, TriedRule

MOST_SPANS = 3
"""How many intervals a sentence lists; of more it gives the number."""


def moment_of(failures: Failures, row: Row, at: int) -> float:
    """The moment, in seconds, at which a row asks what was possible of one failure."""
    return float((failures.ended if row.moment == Moment.ENDED else failures.sent)[at])


def suspects(failures: Failures, causes: Causes, at: int) -> tuple[int, ...]:
    """The positions of the pods for which the row that named a failure holds, in their order."""
    if causes.pod[at] != NOBODY:
        return (int(causes.pod[at]),)
    row = causes.table[causes.row[at]]
    t = moment_of(failures, row, at)
    for way in row.ways:
        if found := sorted({pod for start, end, pod in failures.windows[way] if start <= t <= end}):
            return tuple(found)
    return ()


def tried(failures: Failures, causes: Causes, pods: Sequence[Life], at: int) -> tuple[TriedRule, ...]:
    """Every rule about the outcome of the failure at position `at`, to the one that named its cause."""
    asked = Asked(failures)
    decided = int(causes.row[at])
    rows = enumerate(causes.table[: decided + 1])
    return tuple(
        _tried(_Held(failures, asked, pods, at), row, _named_before(causes, place))
        for place, row in rows
        if failures.outcome[at] in row.outcomes
    )


def _named_before(causes: Causes, place: int) -> NDArray[np.bool_]:
    """Which failures were named slow answers when the row at that place was asked."""
    return slow_answers(causes.table[:place], np.where(causes.row < place, causes.row, NOBODY))


class _Held:
    """One failure, held against conditions."""

    def __init__(self, failures: Failures, asked: Asked, pods: Sequence[Life], at: int) -> None:
        self._failures, self._asked, self._pods, self._at = failures, asked, pods, at

    def condition(self, name: Way | Flag, demand: Demand, row: Row, slow: NDArray[np.bool_]) -> Condition:
        found = bool(self._asked.condition(name, row.moment, slow)[self._at])
        if isinstance(name, Way):
            return Condition(
                name=name, meaning=WAY_WORDS[name], demand=demand, found=found, seen=self._seen(name, row, found)
            )
        return Condition(name=name, meaning=FLAG_WORDS[name], demand=demand, found=found)

    def _seen(self, way: Way, row: Row, found: bool) -> str:
        """The intervals of a way that hold the moment, or the nearest one."""
        own = NOBODY if row.moment == Moment.SENT else int(self._failures.own[self._at])
        spans = _of_pod(self._failures.windows[way], own)
        since = moment_of(self._failures, row, self._at)
        until = float(self._failures.busy_until[self._at]) if row.moment == Moment.UNDER_WAY else since
        if found:
            return self._intervals(span for span in spans if until >= span[0] and since <= span[1])
        if spans:
            return self._nearest(spans, since, until)
        return f"at no moment of this run, of {'no pod' if own == NOBODY else f'{self._pods[own].name}, which had it'}"

    def _intervals(self, spans: Iterable[tuple[float, float, int]]) -> str:
        held = sorted(spans)
        told = [f"{self._pods[pod].name} {_from_to(start, end)}" for start, end, pod in held[:MOST_SPANS]]
        more = f" and {len(held) - MOST_SPANS} more" if len(held) > MOST_SPANS else ""
        return f"{'; '.join(told)}{more}"

    def _nearest(self, spans: Spans, since: float, until: float) -> str:
        def away_s(span: tuple[float, float, int]) -> float:
            return max(span[0] - until, since - span[1])

        start, end, pod = min(spans, key=away_s)
        if start > until:
            return f"next of {self._pods[pod].name}, from {start - until:.2f} s later on"
        return f"last of {self._pods[pod].name}, until {since - end:.2f} s before"


def _of_pod(spans: Spans, own: int) -> Spans:
    """Those of the pod at the other end, where that is known."""
    return spans if own == NOBODY else tuple(span for span in spans if span[2] == own)


def _from_to(start: float, end: float) -> str:
    until = f"to {end:.2f} s" if np.isfinite(end) else "on"
    return f"from {start:.2f} s {until}" if np.isfinite(start) else f"until {end:.2f} s"


def _tried(held: _Held, row: Row, slow: NDArray[np.bool_]) -> TriedRule:
    conditions = tuple(_conditions(held, row, slow))
    stopping = [one for one in conditions if _stops(one)]
    anyone = [one for one in conditions if one.demand == Demand.ANY_OF]
    if anyone and not any(one.found for one in anyone):
        stopping += anyone
    return TriedRule(
        rule=row.rule,
        cause=row.label,
        moment=MOMENT_WORDS[row.moment],
        holds=not stopping,
        conditions=tuple(replace(one, stopped=one in stopping) for one in conditions),
    )


def _conditions(held: _Held, row: Row, slow: NDArray[np.bool_]) -> Iterator[Condition]:
    for demand, names in ((Demand.HOLDS, row.holds), (Demand.ANY_OF, row.any_of), (Demand.EXCLUDED, row.excludes)):
        for name in names:
            yield held.condition(name, demand, row, slow)


def _stops(condition: Condition) -> bool:
    if condition.demand == Demand.HOLDS:
        return not condition.found
    return condition.demand == Demand.EXCLUDED and condition.found
