"""Failed requests and the hops before the pods -> what a hop answered by itself, and what that tells of pods."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.intervals import NOBODY, Spans, cover
from harness.analysis.causes.row import Flag, Way
from harness.analysis.causes.streaks import PATH_STATUS, SENT_AGAIN_S
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.model.paths import UNSIGNED
from harness.model.run import RunInfo

CLOSED_BEHIND, NO_TARGET = 502, 503

_SHARE_OF_USUAL, _REFUSED_S = 0.25, 0.005
"""What takes less of the usual time of an answer, or no longer than this, may have been refused: by way of a proxy on a
busy machine that takes a while too."""

TOLD_TO_STOP = (
    Way.REFUSING,
    Way.VANISHED,
    Way.STOPPING,
    Way.LOOSE_REFUSING,
    Way.LOOSE_VANISHED,
    Way.LOOSE_STOPPING,
)
"""When a pod that was told to stop ends what is sent to it, or has ended itself: none does while its hook holds it."""

GOING = (*TOLD_TO_STOP, Way.DRAINING)
"""The same, and when a balancer may end what is still open to a pod."""


def hop_flags(seen: Observed, status: NDArray[np.int64], sent: NDArray[np.float64]) -> dict[Flag, NDArray[np.bool_]]:
    """By flag, whether it is true of each failure. `status`, `sent`: of each failure, 0 without an answer; seconds."""
    info = seen.run.info
    by_path = _from_the_path(seen.requests.failures, info) & np.isin(status, PATH_STATUS)
    behind = np.full(len(status), fill_value=any(hop.answers_as for hop in info.hops))
    closed = behind & by_path & (status == CLOSED_BEHIND)
    no_target = behind & by_path & (status == NO_TARGET)
    return {
        Flag.FROM_THE_PATH: by_path,
        Flag.HELD_BEHIND: by_path & _held(seen),
        Flag.BEHIND_HOP: behind,
        Flag.NO_TARGET: no_target,
        Flag.BAD_TARGET: behind & by_path & ~no_target,
        Flag.CLOSED_BEHIND: closed,
        Flag.KEPT_BEHIND: closed & _maybe_kept(seen, sent) if closed.any() else closed,
    }


def _held(seen: Observed) -> NDArray[np.bool_]:
    """Whether each failure was answered later than a refusal would be, which takes no work, and before the first packet
    of an unanswered connection would be sent again: a pod had taken it, or had it in its queue."""
    good = seen.requests.frame.lazy().filter(~pl.col("failed")).select(_worked_s().median()).collect().item()
    took = seen.requests.failures.lazy().select(_worked_s().fill_null(0.0)).collect().to_series().to_numpy()
    return np.asarray((took > max((good or 0.0) * _SHARE_OF_USUAL, _REFUSED_S)) & (took < SENT_AGAIN_S))


def _worked_s() -> pl.Expr:
    """How long a request was waited for on a connection that was there, in seconds."""
    begun = pl.max_horizontal("started", "connected") + pl.col("handshake").fill_null(0.0)
    return pl.col("ended") - begun


def off_all_lists(
    bad_target: NDArray[np.bool_],
    sent: NDArray[np.float64],
    ended: NDArray[np.float64],
    windows: TimeWindows,
    ways: Sequence[Way] = GOING,
) -> NDArray[np.bool_]:
    """Whether a request that met a bad target was sent when the hop, as answers show, sent to none of the pods any more
    of which one of the `ways` held until it ended."""
    (those,) = np.nonzero(bad_target)
    off = np.ones(len(those), dtype=bool)
    sent, ended = sent[those], ended[those]
    until = {at: end for _, end, at in windows[Way.SENT_TO]}
    for way in ways if len(those) else ():
        for start, end, at in windows[way]:
            off &= ~((sent <= until.get(at, -math.inf)) & (sent <= end) & (ended >= start))
    found = np.zeros_like(bad_target)
    found[those] = off
    return found


def _from_the_path(rows: pl.DataFrame, info: RunInfo) -> NDArray[np.bool_]:
    """Whether something before the pods may have given the answer: on such a path, an answer that names no pod.

    Where it is known how that signs its answers, only one that is signed so.
    """
    if not info.way.ends_tcp:
        return np.zeros(len(rows), dtype=bool)
    if signed := ["" if hop.answers_as == UNSIGNED else hop.answers_as for hop in info.hops if hop.answers_as]:
        return np.array(((rows["pod"] == "") & rows["via"].cast(pl.String).is_in(signed)).to_numpy(), dtype=np.bool_)
    return np.array((rows["pod"] == "").to_numpy())


def _maybe_kept(seen: Observed, sent: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the hop may have had a connection to a pod that it had used before: some pod had answered, and lived on.

    Only an answer makes an idle connection. Where answers do not name their pod, each may have been of one that did.
    """
    answers = (
        seen.requests.frame.lazy()
        .filter(pl.col("outcome") == "ok")
        .select(pl.col("pod").cast(pl.String).fill_null(""), "ended")
        .sort("ended")
        .collect()
    )
    by_pod = {str(name): group["ended"].to_numpy() for (name,), group in answers.group_by("pod")}
    named = {pod.name for pod in seen.pods}
    unknown = [float(ended[0]) for name, ended in by_pod.items() if name not in named]
    spans: Spans = (
        *((since, math.inf, NOBODY) for since in unknown),
        *(
            (since, until, at)
            for at, pod in enumerate(seen.pods)
            if pod.name in by_pod
            for since, until in _answering(pod, by_pod[pod.name])
        ),
    )
    return np.asarray(cover(spans, sent).count > 0)


def _answering(pod: Life, answered: NDArray[np.float64]) -> Iterator[tuple[float, float]]:
    """From a pod's first answer until it was told to go; where its container was down, connections began anew."""
    end = math.inf if pod.end is None else pod.end
    begins = [-math.inf if pod.created is None else pod.created, *(until for _, until in pod.crashes)]
    for since, until in zip(begins, [*(down for down, _ in pod.crashes), end], strict=True):
        first = int(np.searchsorted(answered, since))
        if first < len(answered) and answered[first] <= min(until, end):
            yield float(answered[first]), min(until, end)
