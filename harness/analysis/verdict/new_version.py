"""Application failures and the pods that they come from -> whether the version that a rollout brought is what fails."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.explained import Explained
from harness.analysis.causes.intervals import NOBODY
from harness.analysis.causes.row import Fault
from harness.analysis.observed.lateness import SLOW_WATCH_S
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.analysis.statistics import P_VALUE, excess

PARTS = 10
"""Into so many parts the time is divided in which only new pods are left ..."""

MOST_PARTS = 0.8
"""... and in so many of them something fails where it is they that fail."""


def _brought(seen: Observed, position: int) -> set[int]:
    """The positions of the pods that came with a rollout."""
    span = seen.windows.rollouts[position]
    return {at for at, pod in enumerate(seen.pods) if pod.created is not None and span.update <= pod.created < span.end}


def fails_more(seen: Observed, position: int) -> bool:
    """Whether the pods that a rollout brought answer with errors more often than those that it replaced (`corrected`).

    Told only where answers name their pod, and no two pods share a name.
    """
    if len({pod.name for pod in seen.pods}) < len(seen.pods):
        return False
    new = {seen.pods[at].name for at in _brought(seen, position)}
    old = {pod.name for pod in seen.pods if _went_in(seen, pod, position)} - new
    if not new or not old:
        return False
    (all_new, bad_new), (all_old, bad_old) = (_answers(seen, names) for names in (new, old))
    return excess(bad_new, all_new, bad_old, all_old) < corrected(seen)


def fail_together(seen: Observed, why: Explained, position: int) -> bool:
    """Whether pods that a rollout replaced failed requests as often as those that it brought, while those did.

    Then it is what all of them need that failed (a database), of which mostly new pods were there to tell.
    """
    new = _brought(seen, position)
    old = {at for at, pod in enumerate(seen.pods) if at not in new and _went_in(seen, pod, position)}
    ended, mine = why.failures.ended, why.causes.by(lambda row: row.fault == Fault.APPLICATION)
    theirs = ended[mine & np.isin(why.causes.pod, list(new))]
    if not len(theirs) or not old:
        return False
    during = pl.col("ended").is_between(float(theirs.min()), float(theirs.max()))
    answered = seen.requests.frame.lazy().filter(during, pl.col("outcome").is_in(["ok", "status"])).group_by("pod")
    numbers = dict(answered.agg(n=pl.len()).with_columns(pl.col("pod").cast(pl.String)).collect().iter_rows())
    within = mine & (ended >= theirs.min()) & (ended <= theirs.max())
    (all_new, bad_new), (all_old, bad_old) = (
        (
            sum(numbers.get(seen.pods[at].name, 0) for at in some),
            int((within & np.isin(why.causes.pod, list(some))).sum()),
        )
        for some in (new, old)
    )
    return bad_old > 0 and excess(bad_new, all_new, bad_old, all_old) >= corrected(seen)


def _went_in(seen: Observed, pod: Life, position: int) -> bool:
    """Whether a pod was deleted in that rollout."""
    return pod.deletion is not None and seen.windows.at(pod.deletion) == seen.windows.rollouts[position]


def corrected(seen: Observed) -> float:
    """The level for a test that is made for every rollout: 1 % for all of them together (Bonferroni).

    Else a steady background of errors would be taken for a fault of one rollout in a hundred.
    """
    return P_VALUE / max(1, len(seen.windows.rollouts))


def _answers(seen: Observed, names: set[str]) -> tuple[int, int]:
    """How many answers came from these pods, and how many of them were errors."""
    counts = [seen.answers.by_name.get(name, (0, 0)) for name in names]
    return sum(n for n, _ in counts), sum(bad for _, bad in counts)


def began_with(seen: Observed, why: Explained, position: int) -> bool:
    """Whether the application failures of a rollout began with the pods that it brought.

    They began between the first new pod's being Ready and the settling of the rollout; and most of those whose pod is
    known come from new ones, or, where none is, no other pod was left that they can have come from.
    """
    span = seen.windows.rollouts[position]
    new = _brought(seen, position)
    sent = why.failures.sent
    here = why.causes.by(lambda row: row.fault == Fault.APPLICATION) & (sent >= span.update) & (sent < span.end)
    ready = [moment for at in new if (moment := seen.pods[at].ready) is not None]
    if not ready or not here.any():
        return False
    named = why.causes.pod[here]
    named = named[named != NOBODY]
    first = float(sent[here].min())
    if len(named):
        theirs = bool(2 * np.isin(named, list(new)).sum() >= len(named))
    else:
        theirs = _alone(seen, new, first) or _new_trouble(why, here)
    settled = span.settled if span.settled is not None else span.end
    return theirs and min(ready) - SLOW_WATCH_S <= first <= settled


def goes_on_failing(seen: Observed, why: Explained, position: int) -> bool:
    """Whether the application failed requests all the time once only the pods were left that a rollout brought, more
    often than before it, and none of them before one of those was Ready.

    A failure of all that passes, as of a database, leaves most of that time free.
    """
    span = seen.windows.rollouts[position]
    end = min(span.end, seen.windows.end)
    sent = why.failures.sent[why.causes.by(lambda row: row.fault == Fault.APPLICATION)]
    here = sent[(sent >= span.update) & (sent < end)]
    ready = [moment for at in _brought(seen, position) if (moment := seen.pods[at].ready) is not None]
    alone = max((_left(pod) for pod in seen.pods if pod.first_seen < span.update), default=math.inf)
    if not ready or not len(here) or float(here.min()) < min(ready) - SLOW_WATCH_S or alone >= end:
        return False
    parts, _ = np.histogram(here, bins=PARTS, range=(alone, end))
    return int(np.count_nonzero(parts)) >= MOST_PARTS * PARTS and _more_after(seen, sent, span.update, alone, end)


def _more_after(seen: Observed, sent: NDArray[np.float64], update: float, alone: float, end: float) -> bool:
    """Whether more of what was due from `alone` to `end` failed than of what was due before the `update`. `sent`: when
    that was sent which failed."""
    every = seen.requests.frame["scheduled"].to_numpy()
    bad, before_bad, after, before = (
        int(((of >= since) & (of < until)).sum())
        for of in (sent, every)
        for since, until in ((alone, end), (-math.inf, update))
    )
    return excess(bad, after, before_bad, before) < corrected(seen)


def warm_up_s(seen: Observed, why: Explained, position: int) -> float | None:
    """For how long after they were Ready the pods of a rollout failed requests, where none did after that; seconds.

    None where pods are not known by name, or where one was not seen to answer well for as long again.
    """
    mine = why.causes.by(lambda row: row.fault == Fault.APPLICATION)
    good = seen.requests.frame.lazy().filter(pl.col("outcome") == "ok").group_by("pod").agg(pl.col("ended").max())
    well = dict(good.with_columns(pl.col("pod").cast(pl.String)).collect().iter_rows())
    longest = 0.0
    for at in _brought(seen, position):
        pod, failed = seen.pods[at], why.failures.ended[mine & (why.causes.pod == at)]
        if not len(failed) or pod.ready is None:
            continue
        lasted = max(0.0, float(failed.max()) - pod.ready)
        if well.get(pod.name, -math.inf) < pod.ready + 2 * lasted:
            return None
        longest = max(longest, lasted)
    return longest or None


def _alone(seen: Observed, new: set[int], t: float) -> bool:
    """Whether all pods but these had ended before `t`: until then they may answer, on kept connections at least."""
    return all(at in new or _left(pod) < t for at, pod in enumerate(seen.pods))


def _new_trouble(why: Explained, here: NDArray[np.bool_]) -> bool:
    """Whether TLS failed for reasons that nothing had failed for before: what a pod shows it shows to everybody."""
    trouble, sent = why.failures.trouble, why.failures.sent
    if not trouble[here].all():
        return False
    known = set(trouble[sent < sent[here].min()].tolist())
    return not known & set(trouble[here].tolist())


def tls_trouble(why: Explained, here: NDArray[np.bool_]) -> str:
    """What most of these failures broke TLS on; empty where none did."""
    told = [words for words in why.failures.trouble[here].tolist() if words]
    return max(sorted(set(told)), key=told.count, default="")


def _left(pod: Life) -> float:
    """When it had ended; infinite for a pod that stayed, or whose end was not seen."""
    return next((moment for moment in (pod.lingers, pod.ended, pod.gone) if moment is not None), math.inf)
