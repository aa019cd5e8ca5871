"""The timeline -> the lives of pods, each known by its uid and its interval, never by name or address alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from harness.model.observation import MarkType, Observation
from harness.model.run import RunInfo
from harness.spec.serving import ServingExpectation, serving_expectation, target_ports
from harness.spec.workload import judged_workload, pod_selector, pod_spec

WATCH_S = 0.1
"""How late a watch event arrives here after what it tells, as a rule (measured: 0.002 to 0.06 s)."""

SLOW_WATCH_S = 0.3
"""... and at most, where a node is short of CPU. Asked only where nothing else explains a failure."""

RELIST_S = 10.0
"""How long after a lost watch its events are late: the pauses before it is taken up again."""

SIGKILLED = 137

NO_PROMISE = ServingExpectation()

EXIT_S = 1.5
"""How long after a container's end its pod is surely shown as terminated, where the clocks cannot be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One pod on the run's clock; None where the watch never showed it.

    `fresh`: it was shown before its containers had started, so that it began to listen in sight of the watch. `ready`:
    first seen Ready. `deletion`: first sign that it is to go. `exit`: its containers cannot have ended
    earlier. `ended`: the watch showed them ended; the kubelet says so only after it has taken the pod's network down.
    `crashes`: when a container was down though nobody had asked for it. `disrupted`: the reason of a DisruptionTarget.
    `killed`: it did not end by itself within its grace period.
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
    exit: float | None = None
    ended: float | None = None
    gone: float | None = None
    unready: tuple[tuple[float, float], ...] = ()
    crashes: tuple[tuple[float, float], ...] = ()
    disrupted: str | None = None
    killed: bool = False
    promise: ServingExpectation = NO_PROMISE

    @property
    def end(self) -> float | None:
        """When it was first known to go, or had gone; None of a pod that stayed."""
        return self.deletion if self.deletion is not None else self.gone


@dataclass(slots=True)
class _Draft:
    first: Observation
    latest: dict[str, Any]
    addresses: list[str] = field(default_factory=list)
    ready: float | None = None
    ready_now: bool = False
    unready_since: float | None = None
    unready: list[tuple[float, float]] = field(default_factory=list)
    deletion: float | None = None
    finished: float | None = None
    ended: float | None = None
    gone: float | None = None
    restarts: int = 0
    down_since: float | None = None
    crashes: list[tuple[float, float]] = field(default_factory=list)
    disrupted: str | None = None
    killed: bool = False


def lives(info: RunInfo, timeline: Iterable[Observation]) -> tuple[Life, ...]:
    """The application's pods, in the order in which they were first seen.

    Pods of others in the namespace are left out by the selector of the application, where the manifests have it.
    """
    workload = judged_workload(info.manifests)
    selector, template = pod_selector(workload), pod_spec(workload)
    targets = target_ports(info.manifests)
    clock = _Clock(info.t0_wall)
    drafts: dict[str, _Draft] = {}
    killed: dict[str, float] = {}
    hookless: set[str] = set()
    blind = _Blindness()
    start: float | None = None  # what the watch shows at first was there before
    for seen in timeline:
        start = seen.t if start is None and seen.kind != "Mark" else start
        if seen.kind == "Mark" and seen.type == MarkType.GAP:
            blind.lost(seen)
        elif seen.kind == "Pod":
            labels = (seen.object.get("metadata") or {}).get("labels") or {}
            if selector.items() <= labels.items():
                clock.learn(seen)
                _observe(drafts, seen, clock, blind)
        elif seen.kind == "Event" and seen.object.get("reason") == "Killing":
            involved = seen.object.get("involvedObject") or seen.object.get("regarding") or {}
            killed.setdefault(str(involved.get("uid")), seen.t)
        elif seen.kind == "Event" and seen.object.get("reason") == "FailedPreStopHook":
            involved = seen.object.get("involvedObject") or seen.object.get("regarding") or {}
            hookless.add(str(involved.get("uid")))
    found = (_life(uid, d, clock, killed.get(uid), start or 0.0, template, targets) for uid, d in drafts.items())
    return tuple(_held(pod, pod.uid in hookless) for pod in found)


def _held(pod: Life, failed: bool) -> Life:
    """The pod, without what its preStop hook promised where the hook failed, or its containers ended before it did."""
    hold_s = pod.promise.prestop_s
    short = pod.deletion is not None and pod.exit is not None and pod.exit + EXIT_S < pod.deletion + hold_s - WATCH_S
    return replace(pod, promise=replace(pod.promise, prestop_s=0.0)) if hold_s and (failed or short) else pod


@dataclass(slots=True)
class _Blindness:
    """A lost watch: what is shown soon after it happened at any time since the last event before."""

    last: float = 0.0
    since: float = 0.0
    until: float = float("-inf")

    def lost(self, mark: Observation) -> None:
        if mark.object.get("kind") in (None, "Pod"):
            self.since, self.until = self.last, mark.t + RELIST_S

    def earliest(self, t: float) -> float:
        """When what arrives at `t` can have happened at the earliest."""
        self.last = t if t > self.until else self.last
        return self.since if t <= self.until else t


class _Clock:
    """The wall clock of the cluster against the run's; usable only while nothing contradicts that they agree."""

    def __init__(self, t0_wall: float) -> None:
        self.t0_wall = t0_wall
        self.agrees = t0_wall > 0

    def learn(self, seen: Observation) -> None:
        """An object cannot arrive before it was made; one that is new does not arrive seconds later."""
        if self.agrees and seen.type == "ADDED" and seen.t > 1.0:
            created = self.moment((seen.object.get("metadata") or {}).get("creationTimestamp"))
            if created is not None and not -1.5 <= created - seen.t <= 0.5:
                self.agrees = False

    def moment(self, text: str | None) -> float | None:
        """A timestamp of the API (whole seconds, rounded down) on the run's clock; None where it cannot be known."""
        if not self.agrees or not text:
            return None
        try:
            return datetime.fromisoformat(text).timestamp() - self.t0_wall
        except ValueError:
            return None


def _observe(drafts: dict[str, _Draft], seen: Observation, clock: _Clock, blind: _Blindness) -> None:
    earliest = blind.earliest(seen.t)
    metadata = seen.object.get("metadata") or {}
    uid = str(metadata.get("uid") or metadata.get("name"))
    draft = drafts.setdefault(uid, _Draft(first=seen, latest=seen.object))
    draft.latest = seen.object
    if seen.type == "DELETED":
        draft.gone = draft.gone or seen.t
    status = seen.object.get("status") or {}
    for entry in status.get("podIPs") or ({"ip": status.get("podIP")},):
        address = entry.get("ip")
        if address and address not in draft.addresses:
            draft.addresses.append(address)
    conditions = {condition.get("type"): condition for condition in status.get("conditions") or ()}
    if (conditions.get("DisruptionTarget") or {}).get("status") == "True":
        draft.disrupted = str(conditions["DisruptionTarget"].get("reason") or "DisruptionTarget")
    if draft.deletion is None and (metadata.get("deletionTimestamp") or seen.type == "DELETED"):
        draft.deletion = max(earliest, draft.first.t)
    _observe_readiness(draft, seen.t, (conditions.get("Ready") or {}).get("status") == "True")
    _observe_containers(draft, seen.t, status, clock)


def _observe_readiness(draft: _Draft, t: float, ready: bool) -> None:
    if ready and not draft.ready_now:
        draft.ready = t if draft.ready is None else draft.ready
        if draft.unready_since is not None:
            draft.unready.append((draft.unready_since, t))
            draft.unready_since = None
    elif draft.ready_now and not ready:
        draft.unready_since = t
    draft.ready_now = ready


def _observe_containers(draft: _Draft, t: float, status: dict[str, Any], clock: _Clock) -> None:
    containers = status.get("containerStatuses") or ()
    ended = [c for c in containers if "terminated" in (c.get("state") or {})]
    all_ended = bool(containers) and len(ended) == len(containers)
    if all_ended and (draft.deletion is not None or status.get("phase") in ("Succeeded", "Failed")):
        draft.ended = draft.ended or t
        draft.killed |= any(c["state"]["terminated"].get("exitCode") == SIGKILLED for c in ended)
        times = [clock.moment(c["state"]["terminated"].get("finishedAt")) for c in ended]
        known = [moment for moment in times if moment is not None]
        draft.finished = max(known) if known and draft.finished is None else draft.finished
        return
    if draft.deletion is not None:
        return
    restarts = sum(int(c.get("restartCount") or 0) for c in containers)
    if (ended or restarts > draft.restarts) and draft.down_since is None:
        lasts = [
            (c.get("lastState") or {}).get("terminated") or (c.get("state") or {}).get("terminated") for c in containers
        ]
        moments = [clock.moment(last.get("finishedAt")) for last in lasts if last]
        known = [moment for moment in moments if moment is not None and moment <= t]
        if draft.first.t < t:
            draft.down_since = max(known) - 0.1 if known else t - EXIT_S
    draft.restarts = max(restarts, draft.restarts)
    if draft.down_since is not None and draft.ready_now and not ended:
        draft.crashes.append((draft.down_since, t))
        draft.down_since = None


def _life(
    uid: str,
    draft: _Draft,
    clock: _Clock,
    killed: float | None,
    start: float,
    template: dict[str, Any],
    targets: tuple[str | int, ...],
) -> Life:
    metadata = draft.latest.get("metadata") or {}
    labels = metadata.get("labels") or {}
    owners = metadata.get("ownerReferences") or ()
    deletion = draft.deletion
    failed_alone = deletion is None and draft.ended is not None
    if deletion is not None and killed is not None and deletion - 2.0 <= killed < deletion:
        deletion = killed
    crashes = list(draft.crashes)
    if draft.down_since is not None:
        crashes.append((draft.down_since, draft.gone or float("inf")))
    ended = draft.ended if draft.ended is not None else draft.gone
    exit_ = draft.finished
    if exit_ is None and ended is not None:
        exit_ = ended - EXIT_S
    if exit_ is not None and deletion is not None:
        exit_ = max(exit_, deletion - SLOW_WATCH_S)
    spec = draft.latest.get("spec") or template
    created = draft.first.t if draft.first.t > start + 0.5 else None
    return Life(
        uid=uid,
        name=str(metadata.get("name") or uid),
        revision=str(labels.get("pod-template-hash") or labels.get("controller-revision-hash") or ""),
        owner=str(owners[0].get("name") or "") if owners else "",
        addresses=tuple(draft.addresses),
        first_seen=draft.first.t,
        created=created,
        fresh=created is not None or (draft.first.object.get("status") or {}).get("phase") == "Pending",
        ready=draft.ready,
        deletion=draft.ended if failed_alone else deletion,
        exit=exit_,
        ended=ended,
        gone=draft.gone,
        unready=tuple(draft.unready) + (((draft.unready_since, float("inf")),) if draft.unready_since else ()),
        crashes=tuple(crashes),
        disrupted=draft.disrupted,
        killed=draft.killed,
        promise=serving_expectation(spec, targets),
    )
