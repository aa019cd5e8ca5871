"""Causes and takers -> which failures each rollout has to answer for, and what else went on in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.rules import EITHER, LOST, UNREAD
from harness.analysis.causes.time_windows import NOBODY, Spans, cover
from harness.analysis.statistics import P_VALUE, excess
from harness.analysis.verdict.new_version import began_with, corrected, fails_more
from harness.analysis.verdict.verdict import RolloutEvidence
from harness.analysis.verdict.window_counts import CONTROL, Counted, positions, tally
from harness.model.result import Cause, Taker

if TYPE_CHECKING:
    from harness.analysis.causes.explained import Investigation
    from harness.analysis.observed.windows import Span


def own_failures(case: Investigation) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Per failure: whether a rollout has to answer for it, and the position of that rollout.

    A request that was cut belongs to the rollout that cut it, even if it was scheduled before. Where another taker's
    pod could have been the one, the rollout has not been shown to be at fault.
    """
    facts, found = case.facts, case.found
    cut = (found.cause == Cause.IN_FLIGHT_KILL) | (found.rule == UNREAD)
    moments = np.where(cut, facts.ended, facts.started)
    at = positions(case, pl.Series(moments, dtype=pl.Float64))
    possible = case.possible
    own = np.zeros(len(at), dtype=bool)
    strangers: dict[Cause, NDArray[np.bool_]] = {}
    for cause, spans, times in (
        (Cause.TERMINATION_RACE, possible.loose_refusing + possible.loose_vanished, facts.started),
        (Cause.IN_FLIGHT_KILL, possible.loose_stopping, facts.ended),
        (Cause.CREATION_RACE, possible.starting, facts.started),
    ):
        others = strangers[cause] = cover(_of_others(case, spans, cause), times).count > 0
        named = np.array([_others(case, int(p), cause) if p != NOBODY else False for p in found.pod], dtype=bool)
        certain = found.pod != NOBODY
        of_cause = found.cause == cause
        if cause == Cause.IN_FLIGHT_KILL:
            of_cause |= found.rule == UNREAD
        own |= of_cause & np.where(certain, ~named, ~others)
    own |= (found.rule == EITHER) & ~strangers[Cause.TERMINATION_RACE] & ~strangers[Cause.CREATION_RACE]
    if case.run.info.strict_idle_close:
        own |= found.cause == Cause.IDLE_CLOSE
    own |= (found.cause == Cause.NO_ENDPOINTS) & _taken_by_rollout(case, facts.started)
    return own & (at >= 0), at


def _others(case: Investigation, position: int, cause: Cause) -> bool:
    """Whether this pod's end (or start) is not the rollout's doing."""
    pod = case.pods[position]
    if cause == Cause.CREATION_RACE:
        span = case.windows.at(pod.created) if pod.created is not None else None
        return span is None or (span.settled is not None and pod.created is not None and pod.created > span.settled)
    return case.takers.get(pod.uid) != Taker.ROLLOUT


def _of_others(case: Investigation, spans: Spans, cause: Cause) -> Spans:
    return tuple(span for span in spans if _others(case, span[2], cause))


def _taken_by_rollout(case: Investigation, moments: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the endpoints that were missing at each moment had been taken away by the rollout."""
    found = np.zeros(len(moments), dtype=bool)
    for empty, filled in case.listed.empty:
        last = [
            pod
            for pod in case.pods
            if pod.deletion is not None
            and pod.deletion <= empty + 1.0
            and any(end == empty for _, end in case.listed.listed.get(pod.uid, ()))
        ]
        if any(case.takers.get(pod.uid) == Taker.ROLLOUT for pod in last):
            later = [start for start, _ in case.listed.empty if start > empty]
            until = min(later, default=float("inf"))
            found |= (moments >= empty - 1.0) & (moments < until) & (moments <= filled + 60.0)
    return found


def own_causes(case: Investigation, own: NDArray[np.bool_]) -> list[tuple[str, int]]:
    """The causes of the rollouts' own failures, most frequent first, in words."""
    pairs = zip(case.found.cause[own], case.found.rule[own], strict=True)
    return list(tally([_EITHER_OF.get(rule, str(cause)) for cause, rule in pairs]).items())


_EITHER_OF = {
    EITHER: f"{Cause.TERMINATION_RACE} or {Cause.CREATION_RACE}",
    UNREAD: f"{Cause.TERMINATION_RACE} or {Cause.IN_FLIGHT_KILL}",
}
"""The causes between which a rule cannot tell, where the rollout has to answer for both."""


def evidence(case: Investigation, counts: Counted) -> tuple[RolloutEvidence, ...]:
    """What counts for and against each rollout."""
    own, at = own_failures(case)
    control = counts.windows.get(CONTROL)
    at_due = positions(case, case.history.failures["scheduled"])
    unexplained = _unexplained(case)
    before, base = int((unexplained & (at_due == CONTROL)).sum()), control.requests if control else 0
    results = []
    for position, span in enumerate(case.windows.rollouts):
        window = counts.windows[position]
        by_cause = window.by_cause
        strange = strange_events(case, position, span)
        unknown = int((unexplained & (at_due == position)).sum())
        improbable = excess(unknown, window.requests, before, base) < P_VALUE
        explained = strange or by_cause.get(Cause.STALE_CONNTRACK) or by_cause.get(Cause.LOAD_GENERATOR)
        results.append(
            RolloutEvidence(
                rollout=span.rollout,
                own_failures=int((own & (at == position)).sum()),
                unexplained=bool(improbable and not explained and not case.load.why),
                doubts=(
                    *_incomplete(case, span),
                    *strange,
                    *_failures_of_others(case, position, counts, tally(list(case.found.cause[own & (at == position)]))),
                ),
            )
        )
    return tuple(results)


def _unexplained(case: Investigation) -> NDArray[np.bool_]:
    """Failures without a cause that more of them would put down to the rollout; connections that were lost on their
    way among them. But where live pods were seen to hang, one more that hangs needs no other cause, and what came with
    the rollout either way is its own."""
    unknown = (case.found.cause == Cause.UNKNOWN) | (case.found.rule == LOST)
    hung = (case.facts.outcome == "read-timeout") & bool((case.found.rule == "slow").any())
    return np.asarray(unknown & ~hung & ~np.isin(case.found.rule, tuple(_EITHER_OF)), dtype=bool)


def _incomplete(case: Investigation, span: Span) -> tuple[tuple[str, str], ...]:
    """Why a rollout without failures may still say nothing: it did not happen as a whole, or was not watched to its
    end."""
    name = f"rollout {span.rollout}"
    if span.undone:
        return (("rollout-undone", f"{name} was undone before it was complete"),)
    if span.complete is None:
        return (("rollout-incomplete", f"{name} never completed"),)
    if case.pods and not any(span.update <= (pod.created or -1.0) < span.end for pod in case.pods):
        return (("nothing-rolled", f"{name} brought no new pod"),)
    if span.settled is None:
        return (("rollout-unsettled", f"the old pods of {name} were not seen to go"),)
    watched_s = min(span.end, case.windows.end) - span.settled
    if case.plane.period_s is not None and watched_s < case.plane.period_s:
        return (("too-short", f"load ended {watched_s:.1f} s after {name} had settled, within one proxy period"),)
    return ()


def strange_events(case: Investigation, position: int, span: Span) -> tuple[tuple[str, str], ...]:
    """What others did to the application's pods between the update and the settling, and what failed by it later."""
    found: dict[str, str] = {}
    settled = span.settled if span.settled is not None else span.end
    failing = set(case.found.pod[case.facts.started >= span.update].tolist()) if len(case.facts.started) else set()
    for at, pod in enumerate(case.pods):
        taker = case.takers.get(pod.uid)
        end = pod.deletion if pod.deletion is not None else pod.gone
        if taker in (None, Taker.ROLLOUT) or end is None or not span.update <= end < span.end:
            pass
        elif end <= settled or at in failing:
            found.setdefault(str(taker), f"{pod.name} was taken by {_BY[taker]} in rollout {span.rollout}")
        for start, _ in pod.crashes:
            if span.update <= start + 0.5 < span.end and (start <= settled or at in failing):
                found.setdefault(str(Taker.CRASH), f"{pod.name} crashed in rollout {span.rollout}")
    return tuple(found.items())


_BY = {
    Taker.SCALING: "a scaling",
    Taker.EVICTION: "an eviction or its node",
    Taker.CRASH: "a crash",
    Taker.FOREIGN: "somebody else",
}


def _failures_of_others(
    case: Investigation, position: int, counts: Counted, own: dict[str, int]
) -> tuple[tuple[str, str], ...]:
    """Failures that are not the rollout's, but more than before it: they may hide what the rollout does.

    `own`: by cause, how many the rollout has to answer for; they count against it, and not here again.
    """
    window, control = counts.windows[position], counts.windows.get(CONTROL)
    rollout = case.windows.rollouts[position].rollout
    doubts: list[tuple[str, str]] = []
    before, base = (control.by_cause, control.requests) if control else ({}, 0)
    bad = window.by_cause.get(Cause.APPLICATION, 0)
    more = not base or excess(bad, window.requests, before.get(Cause.APPLICATION, 0), base) < corrected(case)
    if bad and fails_more(case, position):
        doubts.append(("new-version-errors", f"the new pods of rollout {rollout} fail more requests than the old ones"))
    elif bad and more:
        new = began_with(case, position)
        reason = "new-version-errors" if new else "application-errors"
        who = "pods of the new version" if new else "the application"
        doubts.append((reason, f"{who} failed {bad} requests of rollout {rollout} while in service"))
    for cause in (Cause.LOAD_GENERATOR, Cause.STALE_CONNTRACK, Cause.NO_ENDPOINTS, Cause.UNKNOWN):
        count = window.by_cause.get(cause, 0) - own.get(cause, 0)
        if count > 0 and count * base > before.get(cause, 0) * window.requests:
            doubts.append((str(cause), f"{_failures(count)} of rollout {rollout}: {_WORDS[cause]}"))
    return tuple(doubts)


_WORDS = {
    Cause.LOAD_GENERATOR: "the load generator was late",
    Cause.STALE_CONNTRACK: "stale conntrack entries of the client host",
    Cause.NO_ENDPOINTS: "no endpoints, not taken away by the rollout",
    Cause.UNKNOWN: "cause unknown",
}


def _failures(count: int) -> str:
    return "1 failure" if count == 1 else f"{count} failures"
