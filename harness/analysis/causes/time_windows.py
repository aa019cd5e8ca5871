"""Lives of pods, lists of endpoints and sightings -> for each way to fail, the intervals in which it was possible."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from scipy.special import bdtr

from harness.analysis.causes.clues import Clues
from harness.analysis.causes.data_plane import NEVER, Horizon, earliest_sync
from harness.analysis.causes.intervals import NOBODY, Spans, cover
from harness.analysis.causes.never_listened import never_listened
from harness.analysis.causes.row import Way
from harness.analysis.causes.streaks import needed_in_a_row
from harness.analysis.observed.endpoints import Endpoints, Intervals
from harness.analysis.observed.gates import SETTLES_S
from harness.analysis.observed.lateness import SLOW_WATCH_S, WATCH_S
from harness.analysis.observed.pods import Life

CHANCE = 0.01
"""How improbable a count must be to speak against what would have made it."""


TimeWindows = Mapping[Way, Spans]
"""When each way to fail was physically possible, as far as the watch can tell."""


def time_windows(pods: Sequence[Life], clues: Clues) -> TimeWindows:
    """The intervals of each way to fail."""
    ending = [position for position, pod in enumerate(pods) if pod.deletion is not None]
    clues = replace(clues, listening=_listening(pods, ending, clues))
    found = {way: _real((*bounds(pods[at], clues), at) for at in ending) for way, bounds in _OF_PODS_THAT_END.items()}
    kernels = _kernels(pods, found[Way.VANISHED], clues)
    found[Way.REFUSING] = _real(
        (_closing(pods[at], clues), min(_horizon(pods[at], clues).until, kernels[at]), at) for at in ending
    )
    found[Way.STARTING] = starting = _real(_starting(pods, clues))
    found[Way.NEVER_LISTENED] = _never_listening(pods, starting, clues)
    found[Way.UNREGISTERED] = starting if clues.balanced and clues.plane.least_s is not None else ()
    found[Way.DRAINING] = _draining(pods, ending, clues)
    found[Way.CRASHED] = _real((*span, at) for at, pod in enumerate(pods) for span in _crashing(pod, clues))
    return MappingProxyType(found)


def _never_listening(pods: Sequence[Life], starting: Spans, clues: Clues) -> Spans:
    """A balancer that turns clients away says nothing of a pod."""
    if clues.balanced:
        return ()
    return never_listened(pods, starting, clues.seen, clues.listed, clues.streaks, clues.plane)


def _draining(pods: Sequence[Life], ending: Sequence[int], clues: Clues) -> Spans:
    """Of a balancer alone: a node's proxy leaves open connections to their pod.

    Where it is known when one ends them, not before that.
    """
    after_s = (clues.plane.least_s or 0.0) + clues.plane.draining_s
    spans = ((_begun(pods[at]) + after_s, _ended(pods[at]) + WATCH_S, at) for at in ending)
    return _real(spans) if clues.balanced else ()


def _real(spans: Iterable[tuple[float, float, int]]) -> Spans:
    return tuple(span for span in spans if span[0] <= span[1])


def _begun(pod: Life) -> float:
    return (pod.deletion if pod.deletion is not None else math.inf) - WATCH_S


def _loosely(pod: Life) -> float:
    """While known preStop hooks run, nobody has told the server to stop: neither listener nor network is gone.

    Where a container beside it has none, what answers through that may be gone before.
    """
    return (pod.deletion if pod.deletion is not None else math.inf) + pod.promise.untold_s - SLOW_WATCH_S


def _loosely_gone(pod: Life, clues: Clues) -> tuple[float, float]:
    """The network goes after the containers; whoever still answers, on whatever connection, has one."""
    exits = pod.exit - SLOW_WATCH_S if pod.exit is not None else -math.inf
    return max(_loosely(pod), exits, clues.seen.last_answer(pod.uid)), _horizon(pod, clues).shown


def _loosely_refusing(pod: Life, clues: Clues) -> tuple[float, float]:
    """However late the proxy is, an address that is gone refuses nothing: only a kernel that is there does."""
    until = min(_horizon(pod, clues).shown, _ended(pod) + SLOW_WATCH_S)
    return max(_loosely(pod), clues.seen.last_new.get(pod.uid, -math.inf)), until


def _loosely_stopping(pod: Life, clues: Clues) -> tuple[float, float]:
    return _loosely(pod), _ended(pod) + SLOW_WATCH_S


def _sent_to(pod: Life, clues: Clues) -> tuple[float, float]:
    """Until so many good connections in a row, all after its last answer, that it can no longer have been listed: where
    that came while its preStop hook held it alive, and it would have answered. Else for as long as may be."""
    last = clues.seen.last_answer(pod.uid)
    off = clues.streaks.healthy_after(last + WATCH_S, needed_in_a_row(clues.listed.most))
    shown = math.isfinite(last) and off <= _begun(pod) + pod.promise.prestop_s
    return -math.inf, off if shown else math.inf


def _listed(pod: Life, clues: Clues) -> tuple[float, float]:
    """Until the data plane must have heard that it left, where that keeps its period."""
    return -math.inf, _horizon(pod, clues).until


def _ending(pod: Life, clues: Clues) -> tuple[float, float]:
    return (pod.exit if pod.exit is not None else math.inf), _ended(pod) + WATCH_S


def _unaccepting(pod: Life, clues: Clues) -> tuple[float, float]:
    """From when it may have accepted no more, though it may have worked on: after its last good new connection."""
    told = _begun(pod) + pod.promise.prestop_s
    return max(told, clues.seen.last_new.get(pod.uid, -math.inf)), min(_horizon(pod, clues).until, _ended(pod))


def _ended(pod: Life) -> float:
    """When it had ended at the latest."""
    if pod.lingers is not None:
        return pod.lingers
    return pod.ended if pod.ended is not None else math.inf


def _horizon(pod: Life, clues: Clues) -> Horizon:
    return clues.horizons.get(pod.uid, NEVER)


def _closing(pod: Life, clues: Clues) -> float:
    """The earliest moment at which its listener can have closed: after preStop, and after its last good answer.

    A server that begins to stop closes its idle connections; one that still answers on a kept one has not begun.
    """
    heard = max(clues.seen.last_answer(pod.uid), clues.listening.get(pod.uid, -math.inf))
    return max(_begun(pod) + pod.promise.prestop_s, heard)


def _listening(pods: Sequence[Life], ending: Sequence[int], clues: Clues) -> dict[str, float]:
    """By uid, the last new connection that the kernel of a pod accepted, and that was cut as that pod, alone, stopped.

    Only a listener accepts. Where connections are also cut while no pod stops, whose they were cannot be told.
    """
    if clues.balanced or not len(clues.cut):
        return {}
    by = cover(_real((*_loosely_stopping(pods[at], clues), at) for at in ending), clues.cut)
    if not by.count.all():
        return {}
    told = by.pod != NOBODY
    found: dict[str, float] = {}
    for at, t in zip(by.pod[told].tolist(), clues.accepted[told].tolist(), strict=True):
        found[pods[at].uid] = max(found.get(pods[at].uid, -math.inf), t)
    return found


def _stopping(pod: Life, clues: Clues) -> tuple[float, float]:
    return _closing(pod, clues) - WATCH_S, _ended(pod) + SLOW_WATCH_S


def _vanishing(pod: Life, clues: Clues) -> tuple[float, float]:
    """When its address may have been gone and may still have been sent to."""
    exits = pod.exit - WATCH_S if pod.exit is not None else -math.inf
    return max(_closing(pod, clues), exits), _horizon(pod, clues).until


def _crashed_gone(pod: Life, clues: Clues) -> tuple[float, float]:
    """The same of one that had crashed by itself when it was deleted: no hook runs where no container does, and its
    network goes at once."""
    down = any(start <= _begun(pod) + 2 * WATCH_S <= end for start, end in pod.crashes)
    return _begun(pod) if down else math.inf, _horizon(pod, clues).until


def _vanishing_late(pod: Life, clues: Clues) -> tuple[float, float]:
    """The same, should the proxy not keep its period; not once the pod was no longer sent to though it lived on."""
    since, _ = _vanishing(pod, clues)
    return since, min(_horizon(pod, clues).likely, _sent_to(pod, clues)[1])


_OF_PODS_THAT_END: dict[Way, Callable[[Life, Clues], tuple[float, float]]] = {
    Way.VANISHED: _vanishing,
    Way.CRASHED_GONE: _crashed_gone,
    Way.STOPPING: _stopping,
    Way.ENDS: _ending,
    Way.SENT_TO: _sent_to,
    Way.LISTED: _listed,
    Way.UNACCEPTING: _unaccepting,
    Way.LATE_VANISHED: _vanishing_late,
    Way.LOOSE_REFUSING: _loosely_refusing,
    Way.LOOSE_VANISHED: _loosely_gone,
    Way.LOOSE_STOPPING: _loosely_stopping,
}
"""From when to when each way is possible of a pod that is deleted."""


def _crashing(pod: Life, clues: Clues) -> Iterator[tuple[float, float]]:
    """When its container was down, and it may still have been sent to: it leaves the list as it is found unready."""
    for start, end in pod.crashes:
        left = [until for since, until in clues.listed.listed.get(pod.uid, ()) if since <= end and until >= start]
        unlisted = left[0] + clues.plane.lag_s if left and clues.plane.lag_s is not None else math.inf
        yield start, min(end + WATCH_S, unlisted)


def _kernels(pods: Sequence[Life], vanished: Spans, clues: Clues) -> dict[int, float]:
    """Until when each pod's own kernel can have refused: it is gone when its end is shown (the kubelet says so only
    after the pod's network was taken down), and when the first connection that only it explains stays unanswered."""
    found = {at: _ended(pod) for at, pod in enumerate(pods)}
    alone = cover(vanished, clues.unanswered).pod
    for at in {int(pod) for pod in np.unique(alone)} - {NOBODY}:
        found[at] = min(found[at], float(clues.unanswered[alone == at][0]))
    return found


def _starting(pods: Sequence[Life], clues: Clues) -> Iterator[tuple[float, float, int]]:
    """When a pod was listed and may not have been listening.

    A pod whose readiness probe connects to the Service's port listens once it is Ready. Any other may be listed long
    before it listens; that it does is shown by the first new connection that it answered, or, where answers name no
    pod, by a long run of good connections once it must have been sent to.
    """
    for position, pod in enumerate(pods):
        since = _listed_since(pod, clues.listed)
        if since is None or not pod.fresh:
            continue
        told = clues.stalls.earliest("EndpointSlice", since)
        sent_to = earliest_sync(told, clues.plane, clues.syncs) - WATCH_S
        until = pod.gone if pod.gone is not None else math.inf
        if clues.balanced:
            # A balancer learns of a pod later than the list does, and turns clients away while it knows of none.
            # Of one with a gate it says when it has: the pod is not listed before that.
            until = min(until, clues.seen.first_new.get(pod.uid, _all_well_after(sent_to, clues)))
            until = min(until, clues.healthy.get(pod.uid, math.inf) + SETTLES_S)
            yield max(sent_to, _nobody_left(pods, position, clues)), until, position
        elif pod.promise.listens_when_ready:
            ready = pod.ready if pod.ready is not None else until
            if since < ready - SLOW_WATCH_S:
                yield sent_to, ready + WATCH_S, position
        elif pod.uid in clues.seen.first_new:
            until = min(until, clues.seen.first_new[pod.uid])
            yield _sent_to_since(sent_to, until, clues), until, position
        elif pod.created is None:
            # One of the first pods: nobody else was there to answer so many in a row.
            well = clues.streaks.healthy_after(sent_to, needed_in_a_row(clues.listed.most))
            yield sent_to, min(until, well), position
        else:
            yield sent_to, min(until, _all_well_after(sent_to, clues)), position


def _nobody_left(pods: Sequence[Life], position: int, clues: Clues) -> float:
    """From when a balancer may have had none of the pods that were listed before, so that it turned clients away.

    One that passes packets on still sends to those that left, for as long as it is known to: what fails then was sent
    to a pod that was gone.
    """
    since = _listed_since(pods[position], clues.listed)
    if clues.plane.least_s is None or since is None:
        return -math.inf
    spans = (clues.listed.listed.get(pod.uid, ()) for pod in pods if pod is not pods[position])
    before = [spans_of[-1][1] for spans_of in spans if spans_of and spans_of[0][0] < since]
    return max(before, default=-math.inf) + clues.plane.least_s - WATCH_S


def _listed_since(pod: Life, listed: Endpoints) -> float | None:
    if not listed.known:
        return pod.ready
    spans: Intervals = listed.listed.get(pod.uid, ())
    return spans[0][0] if spans else None


def _all_well_after(since: float, clues: Clues) -> float:
    at = int(np.searchsorted(clues.refused, since))
    onset = float(clues.refused[at]) if at < len(clues.refused) else math.inf
    lag_s = clues.plane.lag_s if clues.plane.adding_s is None else clues.plane.adding_s
    sent_to = since + WATCH_S + lag_s if lag_s is not None else onset
    return clues.streaks.healthy_after(sent_to, needed_in_a_row(clues.listed.most))


def _sent_to_since(since: float, until: float, clues: Clues) -> float:
    """The earliest refusal from which on the pod may have been sent to, until it first answered.

    Each of m endpoints gets its share of new connections. Had the pod been sent to and been refusing since t, about one
    connection in m would have been refused from t on; far fewer (binomial, p < 0.01) show that it was not yet.
    """
    sent = clues.refused[(clues.refused >= since) & (clues.refused < until)]
    if not len(sent):
        return since
    connections = clues.streaks.count_until(sent, until)
    refusals = np.arange(len(sent), 0, -1)
    chance = bdtr(refusals, np.maximum(connections, refusals), 1.0 / (clues.listed.most + 1))
    likely = np.flatnonzero(chance >= CHANCE)
    return float(sent[likely[0]]) if len(likely) else until
