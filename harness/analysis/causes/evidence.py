"""Failed requests and the rows that named their causes -> one sentence each: what is observed, what is inferred."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.analysis.causes.data_plane import DataPlane
from harness.analysis.causes.failures import Failures
from harness.analysis.causes.intervals import NOBODY, Spans
from harness.analysis.causes.naming import Causes
from harness.analysis.causes.row import Moment
from harness.analysis.observed.pods import Life
from harness.model.request import Outcome

MOST_NAMED = 3
"""How many candidates a sentence lists; of more it gives the number."""

SHOWN_S = 0.01
"""A proxy that overran its period by less is not told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrator:
    """Writes evidence.

    `plane`: what is known of the data plane. `left`: by uid, when a pod left the list. `target`: the port of the pods
    to which the Service sends, in words.
    """

    pods: Sequence[Life]
    plane: DataPlane
    left: Mapping[str, float]
    target: str

    def sentences(self, failures: Failures, causes: Causes, ports: Sequence[int | None]) -> list[str]:
        """One sentence a failure, in their order."""
        crowds = {
            int(at): _Crowd(*(failures.windows[way] for way in causes.table[at].ways)) for at in np.unique(causes.row)
        }
        words = []
        known: dict[tuple[int, ...], _Told] = {}
        for i, at in enumerate(causes.row.tolist()):
            row = causes.table[at]
            t = float((failures.ended if row.moment == Moment.ENDED else failures.sent)[i])
            who = (int(causes.pod[i]),) if causes.pod[i] != NOBODY else crowds[at].at(t)
            told = known.get(who) or known.setdefault(who, self._told(who))
            words.append(
                row.evidence.format(
                    ago=_ago(t, told),
                    pods=told.names,
                    plane=self._plane(t, told),
                    late=self.plane.late,
                    port=ports[i],
                    target=self.target,
                    status=failures.status[i],
                    answer=_answer(failures, i),
                    outcome=failures.outcome[i],
                    trouble=failures.trouble[i] or "why is not on record",
                )
            )
        return words

    def _names(self, who: tuple[int, ...]) -> str:
        if not who:
            return "a pod"
        if len(who) > MOST_NAMED:
            return f"one of {len(who)} pods"
        return ("one of " if len(who) > 1 else "") + ", ".join(self.pods[at].name for at in who)

    def _told(self, who: tuple[int, ...]) -> _Told:
        """What sentences say of these pods, whenever the request was sent."""
        names = self._names(who)
        begun = [deletion for at in who if (deletion := self.pods[at].deletion) is not None]
        return _Told(
            names=names,
            first_names=names.replace("one of", "the first of", 1) if len(who) > 1 else names,
            begun=min(begun, default=None),
            left=max((self.left.get(self.pods[at].uid, math.inf) for at in who), default=math.inf),
        )

    def _plane(self, t: float, told: _Told) -> str:
        """What is known of the proxy; that it overran its period where all had left the list longer ago."""
        period_s = self.plane.period_s
        over_s = t - told.left - (period_s or 0.0)
        return self.plane.words + (f", overrun by {over_s:.2f} s" if period_s is not None and over_s >= SHOWN_S else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """Pods that a request may have been sent to: their names, when the first began to terminate, and when the last had
    left the list."""

    names: str
    first_names: str
    begun: float | None
    left: float


def _ago(t: float, told: _Told) -> str:
    """How long after the (first) pod began to terminate, as in "0.41 s after the first of web-a, web-b"."""
    if told.begun is None:
        return f"as {told.first_names}"
    if t < told.begun:
        return f"{told.begun - t:.2f} s before the watch showed that {told.first_names}"
    return f"{t - told.begun:.2f} s after {told.first_names}"


def _answer(failures: Failures, i: int) -> str:
    """What came instead of the answer that was wanted."""
    if failures.outcome[i] == Outcome.TLS_ERROR:
        return f"a TLS handshake that failed ({failures.trouble[i] or 'why is not on record'})"
    return (
        f"status {failures.status[i]}" if failures.outcome[i] == Outcome.STATUS else "what is no answer of the protocol"
    )


class _Crowd:
    """Which pods a possibility holds for, at a moment; the second spans where the first hold for none."""

    def __init__(self, *layers: Spans) -> None:
        self._layers = layers
        self._edges = sorted({edge for spans in layers for start, end, _ in spans for edge in (start, end)})
        self._known: dict[tuple[int, bool], tuple[int, ...]] = {}

    def at(self, t: float) -> tuple[int, ...]:
        """The positions of the pods, without asking twice between two edges."""
        place = bisect_left(self._edges, t)
        key = (place, place < len(self._edges) and self._edges[place] == t)
        if key not in self._known:
            crowds = (tuple(sorted({at for a, b, at in spans if a <= t <= b})) for spans in self._layers)
            self._known[key] = next((crowd for crowd in crowds if crowd), ())
        return self._known[key]
