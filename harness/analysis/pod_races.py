"""Lives, endpoints, lags and what was possible -> of each pod what it was, what the API said, what traffic did."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from harness.analysis.advice.propagation import left
from harness.analysis.causes.explained import Explained
from harness.analysis.causes.intervals import NOBODY
from harness.analysis.causes.never_listened import target_words
from harness.analysis.causes.row import Way
from harness.analysis.causes.table.refusals import Refusal
from harness.analysis.observed.gates import GatedPod
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.model.lags import Lag, Propagation
from harness.model.race import Between, PodRace


def pod_races(seen: Observed, why: Explained, lags: Propagation) -> dict[str, PodRace]:
    """By uid: every pod of the application.

    When a listener closed cannot be watched on a cluster: `closed` is the earliest moment at which it can have, after
    the preStop hook and after the last answer. `sent_from` and `sent_until` are the lags, as moments.
    """
    closed = _closed(why)
    nodes = _nodes(seen)
    gated = {pod.uid: pod for pod in seen.gated if pod.gates}
    added = {(lag.pod, lag.since): lag for lag in lags.addition.pods}
    removed = {(lag.pod, lag.since): lag for lag in lags.removal.pods}
    drawn = {
        pod.uid: _gated(_of_pod(seen, pod, closed.get(at), nodes.get(pod.uid, ""), added, removed), gated.get(pod.uid))
        for at, pod in enumerate(seen.pods)
    }
    for at, refused in _never_listened(why).items():
        uid, port = seen.pods[at].uid, target_words(seen.run.info)
        drawn[uid] = replace(drawn[uid], listening=None, never_listened_on=port, refused=refused)
    return drawn


def _never_listened(why: Explained) -> dict[int, Between | None]:
    """By position: pods that took no connection where the Service sends to, and when requests met that."""
    met = why.causes.by(lambda row: row.rule == Refusal.NEVER_LISTENED)
    found: dict[int, Between | None] = {}
    for since, until, at in why.windows[Way.NEVER_LISTENED]:
        sent = why.failures.sent
        times = sent[met & (sent >= since) & (sent <= until) & np.isin(why.causes.pod, (at, NOBODY))]
        found[at] = Between(earliest=float(times.min()), latest=float(times.max())) if len(times) else None
    return {at: refused for at, refused in found.items() if met.any()}


def _of_pod(
    seen: Observed,
    pod: Life,
    closed: float | None,
    node: str,
    added: Mapping[tuple[str, float], Lag],
    removed: Mapping[tuple[str, float], Lag],
) -> PodRace:
    leaving = _first(left(seen, pod), pod.deletion)
    first = added.get((pod.name, round(pod.ready or 0.0, 6)))
    last = removed.get((pod.name, round(leaving, 6))) if leaving is not None else None
    stopped = None if pod.deletion is None else pod.deletion + pod.promise.prestop_s
    return PodRace(
        uid=pod.uid,
        name=pod.name,
        revision=pod.revision,
        node=node,
        created=pod.created,
        listening=_listening(seen, pod),
        told=pod.deletion,
        closed=_first(closed, stopped),
        ended=_first(pod.ended, pod.gone),
        ready=pod.ready,
        listed=tuple((since, min(until, seen.windows.end)) for since, until in seen.endpoints.listed.get(pod.uid, ())),
        leaving=leaving,
        gone=pod.gone,
        sent_from=_moment(first),
        sent_until=_moment(last),
        untold=next((lag.note for lag in (last, first) if lag is not None and lag.note), ""),
    )


def _gated(race: PodRace, gated: GatedPod | None) -> PodRace:
    """With what its gates tell of the balancers, where it has any."""
    if gated is None:
        return race
    return replace(race, up=gated.up, healthy=gated.healthy if math.isfinite(gated.healthy) else None)


def _first(*moments: float | None) -> float | None:
    """The first of these that is known."""
    return next((moment for moment in moments if moment is not None), None)


def _listening(seen: Observed, pod: Life) -> float | None:
    """By when it took connections: once Ready, where its probe asks the port that serves, else by its first answer."""
    heard = min(seen.answers.first_new.get(pod.uid, math.inf), pod.ready or math.inf)
    if pod.promise.listens_when_ready:
        return heard if math.isfinite(heard) else None
    return seen.answers.first_new.get(pod.uid)


def _moment(lag: Lag | None) -> Between | None:
    if lag is None or lag.lag is None:
        return None
    return Between(earliest=round(lag.since + lag.lag.earliest_s, 6), latest=round(lag.since + lag.lag.latest_s, 6))


def _closed(why: Explained) -> dict[int, float]:
    """By position: from when on a pod's kernel can have refused, or its network been gone."""
    found: dict[int, float] = {}
    for way in (Way.REFUSING, Way.VANISHED):
        for start, _, at in why.windows[way]:
            if math.isfinite(start):
                found[at] = min(found.get(at, math.inf), start)
    return found


def _nodes(seen: Observed) -> dict[str, str]:
    """By uid: the node of each pod."""
    found: dict[str, str] = {}
    for event in seen.run.timeline:
        if event.kind == "Pod" and (node := (event.object.get("spec") or {}).get("nodeName")):
            found[str((event.object.get("metadata") or {}).get("uid"))] = str(node)
    return found
