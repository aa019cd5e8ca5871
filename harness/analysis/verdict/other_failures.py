"""Counted windows -> failures of a rollout that are not its own, but more than before: they may hide its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.bursts import has_burst, in_order
from harness.analysis.causes.explained import Explained
from harness.analysis.causes.row import Fault
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.windows import CONTROL
from harness.analysis.statistics import P_VALUE, closeness, excess
from harness.analysis.verdict.background import Background, failed_by_application
from harness.analysis.verdict.doubts import Doubt
from harness.analysis.verdict.new_version import (
    began_with,
    corrected,
    fail_together,
    fails_more,
    goes_on_failing,
    tls_trouble,
    warm_up_s,
)
from harness.analysis.verdict.when_they_failed import READY_TOO_EARLY, in_common
from harness.analysis.verdict.window_counts import Counted
from harness.model.quantity import things
from harness.model.reasons import Reason
from harness.model.result import Cause


def failures_of_others(
    seen: Observed, why: Explained, position: int, counts: Counted, own: dict[str, int], quiet: Background
) -> tuple[Doubt, ...]:
    """Failures that are not the rollout's, but more than before it.

    `own`: by cause, how many the rollout has to answer for; they count against it, and not here again. `quiet`: what
    the application failed while nothing was done.
    """
    window, control = counts.windows[position], counts.windows.get(CONTROL)
    name = seen.words.numbered(seen.windows.rollouts[position].number)
    before, base = (control.by_cause, control.requests) if control else ({}, 0)
    doubts = [*_errors(seen, why, position, counts, quiet)]
    for cause, words in _WORDS.items():
        count = _of(window.by_cause, cause) - _of(own, cause)
        # A multiple of nothing is nothing: without a request in the control window there is no background.
        more = not base or count * base > _of(before, cause) * window.requests
        if count > 0 and (more or _at_one_time(seen, why, cause, counts)):
            doubts.append(
                (Reason(cause), f"{things(count, 'failure')} of {name}: {words.format(noun=seen.words.noun)}")
            )
    return tuple(doubts)


def _at_one_time(seen: Observed, why: Explained, cause: Cause, counts: Counted) -> bool:
    """Whether what failed so in the control window lies closer together there than what comes all the time: one outage
    tells no rate that would excuse the next one.
    """
    if seen.windows.control is None:
        return False
    labels = {label for label in set(why.causes.label.tolist()) if _of({str(label): 1}, cause)}
    there = (counts.at == CONTROL) & np.isin(why.causes.label, list(labels))
    moments = seen.requests.failures["scheduled"].to_numpy()[there]
    start, end = seen.windows.control
    return closeness(moments, end - start) < P_VALUE


def _of(counts: Mapping[str, int], cause: Cause) -> int:
    """How many have that cause; of one of several that cannot be told apart it is not known which."""
    known = set(Cause) - {cause} if cause == Cause.UNKNOWN else set(counts) - {cause}
    return sum(number for label, number in counts.items() if label not in known)


def _errors(seen: Observed, why: Explained, position: int, counts: Counted, quiet: Background) -> tuple[Doubt, ...]:
    """Failures of the application: of the version that the rollout brought, more than before it, or such as nobody has
    shown to come without a rollout."""
    name = seen.words.numbered(seen.windows.rollouts[position].number)
    bad = failed_by_application(counts.windows[position])
    if not bad:
        return ()
    if fails_more(seen, position) and not fail_together(seen, why, position):
        cold_s = warm_up_s(seen, why, position)
        then = (
            "" if cold_s is None else f", and only in the first {cold_s:.1f} s after they were Ready: {READY_TOO_EARLY}"
        )
        return ((Reason.NEW_VERSION_ERRORS, f"the new pods of {name} fail more requests than the old ones{then}"),)
    if _as_usual(seen, why, position, counts, quiet) and not _at_once(seen, why, position, counts, quiet):
        at_chance = int((quiet.lost & (counts.at == position)).sum())
        if quiet.shown or bad == at_chance:
            return ()
        outside = things(quiet.requests, "request")
        few = f"of {outside} outside of {seen.words.plural} none failed so: too few to show whether they do"
        return ((Reason.SHORT_CONTROL, f"the application failed {things(bad, 'request')} of {name}; {few}"),)
    mine = why.causes.by(lambda row: row.fault == Fault.APPLICATION) & (counts.at == position)
    trouble = tls_trouble(why, mine)
    how = f" (TLS: {trouble})" if trouble else _outcomes(seen, mine)
    failed = f"failed {things(bad, 'request')} of {name} while in service{how}"
    if began_with(seen, why, position) and not fail_together(seen, why, position):
        told = f"pods of the new version {failed}"
        return ((Reason.NEW_VERSION_ERRORS, told if trouble else f"{told}: {READY_TOO_EARLY}"),)
    if not trouble and goes_on_failing(seen, why, position) and not fail_together(seen, why, position):
        told = f"pods of the new version {failed}, all the time once only they were left: {_STOP_AT_FIRST}"
        return ((Reason.NEW_VERSION_ERRORS, told),)
    shared = in_common(seen, why, mine, position)
    return ((Reason.APPLICATION_ERRORS, f"the application {failed}{f', {shared}' if shared else ''}"),)


def _as_usual(seen: Observed, why: Explained, position: int, counts: Counted, quiet: Background) -> bool:
    """Whether the application failed no more requests, in all, than the control window's rate explains.

    One outage there tells no rate; what a network loses is left to chance.
    """
    window, control = counts.windows[position], counts.windows.get(CONTROL)
    if control is None or not control.requests:
        return False
    mine = why.causes.by(lambda row: row.fault == Fault.APPLICATION) & ~quiet.lost
    there = seen.requests.failures["scheduled"].to_numpy()[mine & (counts.at == CONTROL)]
    if (mine & (counts.at == position)).any() and closeness(there, control.end - control.start) < P_VALUE:
        return False
    bad, before = failed_by_application(window), failed_by_application(control)
    return excess(bad, window.requests, before, control.requests) >= corrected(seen)


def _at_once(seen: Observed, why: Explained, position: int, counts: Counted, quiet: Background) -> bool:
    """Whether the application failed more requests in a row than the control window's rate explains, though not more in
    all: what a network loses left out."""
    control = seen.windows.control
    if control is None:
        return False
    moments = seen.requests.failures["scheduled"].to_numpy()
    mine = why.causes.by(lambda row: row.fault == Fault.APPLICATION) & ~quiet.lost
    spans = control, (counts.windows[position].start, counts.windows[position].end)
    before, then = (
        (moments[mine & (counts.at == at)], _answered(seen, span))
        for at, span in zip((CONTROL, position), spans, strict=True)
    )
    return has_burst(*then, in_order(*before))


def _answered(seen: Observed, span: tuple[float, float]) -> NDArray[np.float64]:
    """When those were due that were answered well and due in that span: all that were sent there and not lost."""
    well = ~pl.col("failed") & ~pl.col("unsent") & pl.col("scheduled").is_between(*span, closed="left")
    return seen.requests.frame.lazy().filter(well).select("scheduled").collect()["scheduled"].to_numpy()


def _outcomes(seen: Observed, mine: NDArray[np.bool_]) -> str:
    """With which statuses, or else outcomes, these failures ended, most frequent first, in brackets."""
    rows = seen.requests.failures.select(pl.col("outcome").cast(pl.String), "status").filter(pl.Series(mine)).rows()
    every = Counter(f"status {status}" if status is not None else outcome for outcome, status in rows)
    told = [f"{how} {number} times" if len(every) > 1 else how for how, number in every.most_common(_MOST_KINDS)]
    return f" ({', '.join(told)}{', and others' if len(every) > len(told) else ''})" if told else ""


_MOST_KINDS = 3
_STOP_AT_FIRST = (
    "a version that fails must not become Ready (readinessProbe), so that its rollout stops at its first pod"
)

_WORDS = {
    Cause.LOAD_GENERATOR: "the load generator was late",
    Cause.STALE_CONNTRACK: "stale conntrack entries of the client host",
    Cause.NO_ENDPOINTS: "no endpoints, not taken away by the {noun}",
    Cause.UNKNOWN: "cause unknown",
}
