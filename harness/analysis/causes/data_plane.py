"""What the data plane was told, and what is known of its period -> until when it may still have sent to a pod."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from harness.analysis.causes.streaks import LIKELY, Streaks, needed_in_a_row
from harness.analysis.observed.answers import Answers
from harness.analysis.observed.endpoints import Endpoints
from harness.analysis.observed.lateness import WATCH_S
from harness.analysis.observed.pods import Life
from harness.model.kubernetes_version import syncs_at_once
from harness.model.paths import Hop, HopKind, Span
from harness.model.run import FactSource, RunInfo

SYNC_S = 0.5
"""How long one sync may take, beyond the cool-down (measured: 0.02 to 0.1 s; more where a node is short of CPU)."""

UNKNOWN_LAG_S = 15.0
"""How long it may still go by what was before, where its period is not known."""

LONGEST_S = 60.0
"""How long a proxy that does not keep its period may be thought to lag, at most."""

OVERRUN_S = 10.0
"""By how much a hop whose delays were configured may be thought to exceed them, at most: what its machine adds."""

_BALANCERS = (HopKind.PASSTHROUGH, HopKind.REVERSE_PROXY)
PROXY_LATE = "the proxy had not synced yet"
BALANCER_LATE = "what stands before the pods still listed it"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPlane:
    """How late the data plane may be. `lag_s`: at most; None where its period is not known. `words`: for evidence.
    `apart_s`: how long there is no sync after one; None where nothing keeps two apart, or that is not known.
    `adding_s`: how late it may be about a pod that came, where that is another time. `least_s`: for how long at least a
    balancer still sends to a pod that left; None where that is not known. `draining_s`: how long after that it ends, at
    the earliest, what is still open to the pod; 0 where that is not known. `late`: what has not happened yet when it
    still sends to a pod that left.
    """

    lag_s: float | None
    words: str
    period_s: float | None = None
    apart_s: float | None = None
    adding_s: float | None = None
    least_s: float | None = None
    draining_s: float = 0.0
    late: str = PROXY_LATE

    @property
    def longest_lag_s(self) -> float:
        """How late it is taken to be at most, also where its period is not known."""
        return UNKNOWN_LAG_S if self.lag_s is None else self.lag_s


def data_plane(info: RunInfo) -> DataPlane:
    """The latest moment at which a change of endpoints is in force, as far as it is known.

    kube-proxy's minSyncPeriod is a cool-down: after quiet, a change is applied at once; else not before the period is
    over since the last sync *ended* (pkg/proxy/runner, BoundedFrequencyRunner). Syncs for other Services, which no
    watch of ours shows, also start the cool-down. So a change may wait for a whole period, and no longer. A period
    that was only assumed is not known, and a balancer's delay is not kube-proxy's: where a run has recorded the hops of
    its path, all those whose list the rollout changes may be late one after another. Before Kubernetes 1.34 a second
    sync may follow the first at once (`syncs_at_once`), so that no sync says when the next is.
    """
    proxy, deciding = info.cluster.proxy, [hop for hop in info.hops if hop.decides]
    period = proxy.min_sync_period_s
    if not info.way.node_first and deciding:
        return _of_hops(deciding)
    if not info.way.node_first:
        return DataPlane(lag_s=None, words="the delay of the balancer is not known", late=BALANCER_LATE)
    if period is None or proxy.source == FactSource.ASSUMED:
        return DataPlane(lag_s=None, words="the proxy's period is not known")
    apart_s = period if syncs_at_once(info.cluster.kubernetes) == 1 else None
    return DataPlane(lag_s=period + SYNC_S, words=f"proxy period {period:g} s", period_s=period, apart_s=apart_s)


def _of_hops(deciding: Sequence[Hop]) -> DataPlane:
    """What is known of all of them together: a change is in force when the last of them has heard of it."""
    removals, additions = [hop.removal for hop in deciding], [hop.addition for hop in deciding]
    late = " and ".join(
        PROXY_LATE if hop.kind == HopKind.NODE_PROXY else f"{hop.name} had not deregistered it yet" for hop in deciding
    )
    return DataPlane(
        lag_s=_together(removals),
        adding_s=_together(additions),
        least_s=_at_least(deciding),
        draining_s=min((hop.draining_s or 0.0 for hop in deciding if hop.ends_tcp), default=0.0),
        words="; ".join(_told(hop) for hop in deciding),
        late=late,
    )


def _together(spans: Sequence[Span | None]) -> float | None:
    known = [span for span in spans if span is not None]
    return None if len(known) < len(spans) else sum(span.most_s + SYNC_S for span in known)


def _at_least(deciding: Sequence[Hop]) -> float | None:
    if any(hop.kind not in _BALANCERS or hop.removal is None for hop in deciding):
        return None
    return sum(hop.removal.least_s for hop in deciding if hop.removal is not None)


def _told(hop: Hop) -> str:
    if hop.removal is None or hop.addition is None:
        return f"the delay of {hop.name} is not known"
    if hop.kind == HopKind.NODE_PROXY:
        return f"proxy period {hop.removal.most_s:g} s"
    return f"{hop.name}: {hop.removal} to deregister, {hop.addition} to register"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSync:
    """A sync that a request proves: the pod that was listed at `after` had its first new connection at `by`."""

    after: float
    by: float


class SeenSyncs:
    """The proven syncs of a run, asked for the first after a moment and for the last before one."""

    def __init__(self, syncs: Iterable[SeenSync] = ()) -> None:
        latest_first = sorted(((sync.after, sync.by) for sync in syncs), reverse=True)
        self._ago = [-after for after, _ in latest_first]
        self._first_by = [math.inf, *accumulate((by for _, by in latest_first), min)]
        by_end = sorted((by, after) for after, by in latest_first)
        self._by = [by for by, _ in by_end]
        self._last_after = [-math.inf, *accumulate((after for _, after in by_end), max)]

    def known_by(self, left: float) -> float:
        """By when a sync that came after `left` had happened; infinite where none is proven."""
        return self._first_by[bisect_left(self._ago, -left)]

    def last_before(self, moment: float) -> float:
        """After when the last sync came of those that had happened before `moment`."""
        return self._last_after[bisect_left(self._by, moment)]


def seen_syncs(pods: Sequence[Life], listed: Endpoints, seen: Answers, streaks: Streaks) -> SeenSyncs:
    """The syncs that first connections prove, where all connections came through one proxy, as one worker's do."""
    if len(streaks.workers) != 1:
        return SeenSyncs()
    return SeenSyncs(
        SeenSync(after=spans[0][0], by=seen.first_new[pod.uid])
        for pod in pods
        if pod.created is not None and pod.uid in seen.first_new and (spans := listed.listed.get(pod.uid))
    )


def earliest_sync(after: float, plane: DataPlane, syncs: SeenSyncs) -> float:
    """The earliest moment at which a change of the list at `after` can have come into force.

    Where syncs are a whole period apart, a change that came after a proven sync waits for its end.
    """
    return after if plane.apart_s is None else max(after, syncs.last_before(after) - WATCH_S + plane.apart_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """Until when new connections may have been sent to a pod that left the list.

    `until`: as far as the data plane keeps its period, and until so many connections in a row got a reply from some
    kernel, after the pod's own was gone, that it most probably was no longer among those sent to. `likely`: the same,
    whatever the period. `shown`: as far as connections show it: until so many good ones in a row, all begun after the
    pod's end, that a proxy which still listed it would have had to be very lucky. A proxy that is frozen or overrun
    lives beyond its period.
    """

    until: float
    likely: float
    shown: float


NEVER = Horizon(until=-math.inf, likely=-math.inf, shown=-math.inf)


def horizons(
    pods: Sequence[Life], listed: Endpoints, plane: DataPlane, streaks: Streaks, syncs: SeenSyncs
) -> dict[str, Horizon]:
    """By uid: the horizon of every pod that ended or is ending, and that had been listed.

    In any case it ends with a proven sync that knew of a later change of the list.
    """
    return {
        pod.uid: _of_pod(pod, listed, plane, streaks, syncs)
        for pod in pods
        if pod.deletion is not None and (not listed.known or listed.listed.get(pod.uid))
    }


def _of_pod(pod: Life, listed: Endpoints, plane: DataPlane, streaks: Streaks, syncs: SeenSyncs) -> Horizon:
    ended = pod.ended if pod.ended is not None else math.inf
    left = listed.listed[pod.uid][-1][1] if listed.known else ended
    end = left if pod.ended is None else pod.ended
    proven = syncs.known_by(left)
    needed = needed_in_a_row(listed.most)
    shown = min(proven, streaks.healthy_after(end + WATCH_S, needed) if math.isfinite(end) else math.inf)
    replied = streaks.replied_after(ended, needed_in_a_row(listed.most, LIKELY)) if math.isfinite(ended) else math.inf
    if plane.lag_s is None or not math.isfinite(left):
        return Horizon(until=min(shown, replied), likely=min(shown, replied), shown=shown)
    kept = min(proven, left + plane.lag_s)
    longest_s = LONGEST_S if plane.adding_s is None else min(LONGEST_S, plane.lag_s) + OVERRUN_S
    shown_or_kept = max(min(kept, shown), min(shown, left + longest_s))
    return Horizon(until=min(kept, shown, replied), likely=min(shown_or_kept, replied), shown=shown_or_kept)
