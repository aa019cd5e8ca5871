"""The timeline -> the lives of pods, each known by its uid and its interval, never by name or address alone."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from harness.analysis.observed import failed_hooks
from harness.analysis.observed.failed_hooks import FailedHook, failed_hook
from harness.analysis.observed.lateness import EXIT_S, WATCH_S, Blindness, ClusterClock
from harness.analysis.observed.node_clocks import PRESENT_S, untrusted_nodes
from harness.analysis.observed.ownership import Ownership, controller_of
from harness.analysis.observed.pod_events import CRASH_S, PodEvents
from harness.analysis.observed.watch_stalls import ALWAYS_ON, WatchStalls
from harness.model.observation import MarkType, Observation
from harness.model.run import RunInfo
from harness.spec.serving import Port, ServingExpectation, serving_expectation, target_ports
from harness.spec.termination import grace_period_s
from harness.spec.workload import Object, judged_workload, pod_spec

NO_PROMISE = ServingExpectation()

_LEAST_GRACE_S = 2.0
"""What a kubelet gives a container at least (pkg/kubelet/kuberuntime, minimumGracePeriodInSeconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One pod on the run's clock; None where the watch never showed it.

    `fresh`: it was shown before its containers had started, so that it began to listen in sight of the watch.
    `ready`: first seen Ready. `deletion`: first sign that it is to go, or the earliest moment at which that can have
    come, where the watch was lost; `deletion_shown`: when it was seen. `exit`: its containers cannot have ended
    earlier. `ended`: the watch showed them ended; the kubelet says so only after it has taken the pod's network down.
    `crashes`: when a container was down though nobody had asked for it; `fell_by`: how it last ended so. `disrupted`:
    the reason of a DisruptionTarget. `killed`: it did not end by itself within its grace period. `lingers`: until
    when it may have run on after it had gone, because it was deleted without waiting for its end (`kubectl delete
    --force`). `failed_hook`: why no preStop hook held it, though it has one.
    """

    uid: str
    name: str
    revision: str = ""
    owner: str = ""
    addresses: tuple[str, ...] = ()
    first_seen: float
    created: float | None = None
    fresh: bool = False
    ready: float | None = None
    deletion: float | None = None
    deletion_shown: float | None = None
    exit: float | None = None
    ended: float | None = None
    gone: float | None = None
    unready: tuple[tuple[float, float], ...] = ()
    crashes: tuple[tuple[float, float], ...] = ()
    fell_by: str = ""
    disrupted: str | None = None
    killed: bool = False
    lingers: float | None = None
    failed_hook: FailedHook | None = None
    promise: ServingExpectation = NO_PROMISE

    @property
    def end(self) -> float | None:
        """When it was first known to go, or had gone; None of a pod that stayed."""
        return self.deletion if self.deletion is not None else self.gone

    @property
    def end_shown(self) -> float | None:
        """When the watch showed that; later than `end` where it had been lost in between."""
        return self.end if self.deletion_shown is None or self.end is None else max(self.end, self.deletion_shown)


@dataclass(slots=True)
class _Seen:
    """What the timeline showed of the application's pods, by uid; `start`: when the watch showed its first object;
    `probes`: of those that were killed for a probe, for which."""

    start: float | None = None
    pods: dict[str, PodEvents] = field(default_factory=dict)
    killing: dict[str, float] = field(default_factory=dict)
    probes: dict[str, str] = field(default_factory=dict)
    failed_hooks: dict[str, list[FailedHook]] = field(default_factory=dict)


def lives(
    info: RunInfo, timeline: Iterable[Observation], owned: Ownership, stalls: WatchStalls = ALWAYS_ON
) -> tuple[Life, ...]:
    """The application's pods, in the order in which they were first seen; those of others are left out."""
    workload = judged_workload(info.manifests, info.target)
    events = tuple(timeline)
    clock = ClusterClock(info.t0_wall, untrusted_nodes(info.t0_wall, events))
    seen = _seen(events, owned, clock, stalls)
    targets = target_ports(info.manifests, info.service)
    found = ((_life(uid, events, seen, pod_spec(workload), targets), events) for uid, events in seen.pods.items())
    return tuple(_held(pod, events.failed) for pod, events in found)


def _seen(timeline: Iterable[Observation], owned: Ownership, clock: ClusterClock, stalls: WatchStalls) -> _Seen:
    found, blind = _Seen(), Blindness()
    for event in timeline:
        if event.kind == "Mark":
            if event.type == MarkType.GAP:
                blind.lost(event)
            continue
        found.start = event.t if found.start is None else found.start
        if event.kind == "Event":
            _note(event, found)
        elif event.kind == "Pod" and owned.has_pod(event.object):
            earliest = min(blind.earliest(event.t), stalls.earliest("Pod", event.t))
            if earliest == event.t:
                clock.learn(event)
            metadata = event.object.get("metadata") or {}
            uid = str(metadata.get("uid") or metadata.get("name"))
            pod = found.pods.setdefault(uid, PodEvents(first=event, latest=event.object))
            pod.add(event, earliest, clock)
    return found


def _note(event: Observation, found: _Seen) -> None:
    """Take note of what the kubelet's events say of a pod."""
    reason = event.object.get("reason")
    if reason not in ("Killing", failed_hooks.REASON):
        return
    involved = event.object.get("involvedObject") or event.object.get("regarding") or {}
    if reason == "Killing":
        found.killing.setdefault(str(involved.get("uid")), event.t)
        said = str(event.object.get("message") or event.object.get("note") or "")
        if probe := re.search(r"failed (liveness|startup) probe", said):
            found.probes[str(involved.get("uid"))] = f"killed, for its {probe[1]} probe had failed"
    else:
        found.failed_hooks.setdefault(str(involved.get("uid")), []).append(FailedHook.of(event))


def _life(uid: str, events: PodEvents, seen: _Seen, template: Object, targets: tuple[Port, ...]) -> Life:
    metadata = events.latest.get("metadata") or {}
    deletion = events.deleted(seen.killing.get(uid))
    created = events.first.t if events.first.t > (seen.start or 0.0) + PRESENT_S else None
    spec = events.latest.get("spec") or template
    return Life(
        uid=uid,
        name=str(metadata.get("name") or uid),
        revision=_revision(metadata),
        owner=_owner(metadata),
        addresses=tuple(events.addresses),
        first_seen=events.first.t,
        created=created,
        fresh=created is not None or (events.first.object.get("status") or {}).get("phase") == "Pending",
        ready=events.ready,
        deletion=deletion,
        deletion_shown=events.deletion_shown,
        exit=events.earliest_exit(deletion if events.deletion is not None else None),
        ended=events.shown_ended(),
        gone=events.gone,
        unready=events.all_unready(),
        crashes=events.all_crashes(),
        fell_by=seen.probes.get(uid, events.fell_by) if events.crashes else events.fell_by,
        disrupted=events.disrupted,
        killed=events.killed,
        lingers=_lingers(events, template),
        failed_hook=failed_hook(seen.failed_hooks.get(uid, ()), spec, targets, deletion),
        promise=serving_expectation(spec, targets),
    )


def _lingers(events: PodEvents, template: Object) -> float | None:
    """Of a pod that was deleted without a grace period: its node hears of it when it has gone, and gives it one.

    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-forced;
    pkg/kubelet/pod_workers.go, calculateEffectiveGracePeriod.
    """
    if not events.forced or events.gone is None or events.ended is not None:
        return None
    return events.gone + max(grace_period_s(events.latest.get("spec") or template), _LEAST_GRACE_S)


def _revision(metadata: Object) -> str:
    labels = metadata.get("labels") or {}
    return str(labels.get("pod-template-hash") or labels.get("controller-revision-hash") or "")


def _owner(metadata: Object) -> str:
    return str((controller_of({"metadata": metadata}) or {}).get("name") or "")


def _held(pod: Life, failed: float | None) -> Life:
    """The pod, without what its preStop hook promised where the hook failed, or its containers ended before it did.

    A container that `failed` then, before anything can have told it to stop, crashed: that it was held says so.
    """
    hold_s, untold_s = pod.promise.prestop_s, pod.promise.untold_s
    if pod.deletion is None or not hold_s:
        return pod
    if failed is not None and not pod.failed_hook and failed + EXIT_S < pod.deletion + untold_s - WATCH_S:
        down = (failed - CRASH_S, pod.gone if pod.gone is not None else math.inf)
        return replace(pod, crashes=(*pod.crashes, down))
    short = pod.exit is not None and pod.exit + EXIT_S < pod.deletion + hold_s - WATCH_S
    held = not (pod.failed_hook or short)
    return pod if held else replace(pod, promise=replace(pod.promise, prestop_s=0.0, untold_s=0.0))
