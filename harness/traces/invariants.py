"""Lifecycles -> which invariants across objects were broken, and where.

Each invariant is a sentence that Kubernetes keeps in every run, whatever the timing; its function yields one line for
each place where a trace breaks it. Places are those of the store (resourceVersion), so delays of a watch break nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.spec.endpoints import conditions
from harness.spec.readiness import readiness_s
from harness.spec.rolling import wanted_replicas
from harness.spec.termination import HOOK_EXTENSION_S, grace_period_s, surely_runs_s
from harness.traces import deployment_invariants, statefulset_invariants
from harness.traces.durations import EARLY_S, TOLERANCE_S, durations
from harness.traces.lifecycles import Lifecycle, Lifecycles, active, ended, endpoints, ready, running

Invariant = Callable[[Lifecycles], Iterator[str]]

_WATCH_DELAY_S = 1.0
_CLOCKS_S = 0.1  # two clocks, or two watches, that tell of the same moment


def broken(lifecycles: Lifecycles) -> dict[str, tuple[str, ...]]:
    """Every invariant by its sentence, with what broke it; empty where it holds."""
    return {sentence: tuple(breaks(lifecycles)) for sentence, breaks in INVARIANTS.items()}


def _size_before_pods(lifecycles: Lifecycles) -> Iterator[str]:
    sizes: dict[int | None, int] = {}
    pods: dict[str, tuple[int | None, bool]] = {}
    for life, change in lifecycles.merged("ReplicaSet", "Pod"):
        if life.kind == "ReplicaSet":
            sizes[life.revision] = 0 if change.gone else wanted_replicas(change.spec)
            continue
        pods[change.uid] = (life.revision, active(change))
        if (
            (lifecycles.workload and lifecycles.workload.kind == "StatefulSet")
            or change is not life.first
            or not life.born
        ):
            continue
        now = sum(alive for revision, alive in pods.values() if revision == life.revision)
        if now > sizes.get(life.revision, 0):
            yield f"{change.t:.2f} s: {life.name} is number {now} of {sizes.get(life.revision, 0)}"


def _scheduled_before_running(lifecycles: Lifecycles) -> Iterator[str]:
    for pod in lifecycles.of("Pod"):
        scheduled, runs = pod.since(lambda change: change.holds("PodScheduled")), pod.since(running)
        if runs and (scheduled is None or scheduled.place > runs.place or not runs.spec.get("nodeName")):
            yield f"{runs.t:.2f} s: {pod.name} runs before it is scheduled"


def _ready_when_running(lifecycles: Lifecycles) -> Iterator[str]:
    for pod in lifecycles.of("Pod"):
        runs, is_ready = pod.since(running), pod.since(ready)
        if is_ready is None or not pod.born:
            continue
        least, _ = readiness_s(pod.spec)
        if runs is None or runs.place > is_ready.place:
            yield f"{is_ready.t:.2f} s: {pod.name} is Ready and does not run"
        elif is_ready.t - runs.t < least - EARLY_S:
            yield f"{is_ready.t:.2f} s: {pod.name} is Ready {is_ready.t - runs.t:.1f} s after its start"


def _endpoint_after_ready(lifecycles: Lifecycles) -> Iterator[str]:
    pods = {pod.first.uid: pod for pod in lifecycles.of("Pod")}
    for _, change in lifecycles.merged("EndpointSlice"):
        for uid, endpoint in endpoints(change).items():
            pod = pods.get(uid)
            became = pod.since(ready) if pod else None
            if conditions(endpoint).ready and pod and pod.born and (became is None or became.place > change.place):
                yield f"{change.t:.2f} s: {pod.name} is a ready endpoint and not yet Ready"


def _terminating_after_deletion(lifecycles: Lifecycles) -> Iterator[str]:
    pods = {pod.first.uid: pod for pod in lifecycles.of("Pod")}
    for _, change in lifecycles.merged("EndpointSlice"):
        for uid, endpoint in endpoints(change).items():
            pod = pods.get(uid)
            if conditions(endpoint).terminating and pod and (pod.deleting is None or pod.deleting.place > change.place):
                yield f"{change.t:.2f} s: the endpoint of {pod.name} is terminating, the pod is not"


def _never_ready_and_terminating(lifecycles: Lifecycles) -> Iterator[str]:
    for _, change in lifecycles.merged("EndpointSlice"):
        for endpoint in endpoints(change).values():
            said = conditions(endpoint)
            if said.ready and said.terminating:
                yield f"{change.t:.2f} s: an endpoint is ready and terminating"


def _listed_while_serving(lifecycles: Lifecycles) -> Iterator[str]:
    """Only a pod that has ended or is gone leaves the slices of a Service that goes on."""
    pods = {pod.first.uid: pod for pod in lifecycles.of("Pod")}
    listed: set[str] = set()
    for _, change in lifecycles.merged("EndpointSlice"):
        now = set(endpoints(change))
        for uid in listed - now:
            life = pods.get(uid)
            pod = life.at(change.place) if life else None
            if life and pod and not ended(pod):
                yield f"{change.t:.2f} s: {life.name} is no endpoint any more and has not ended"
        listed = now if not change.gone else set()


def _containers_end_first(lifecycles: Lifecycles) -> Iterator[str]:
    for pod in lifecycles.of("Pod"):
        if pod.gone and pod.since(running):
            end = pod.since(ended)
            if end is None or end.gone:
                yield f"{pod.gone.t:.2f} s: {pod.name} is gone and its containers have not ended"


def _hook_before_stop(lifecycles: Lifecycles) -> Iterator[str]:
    for pod in lifecycles.of("Pod"):
        end, hook = pod.since(ended), surely_runs_s(pod.spec)
        if pod.deleting and end and pod.since(running) and hook and end.t - pod.deleting.t < hook - _CLOCKS_S:
            yield f"{end.t:.2f} s: {pod.name} ended {end.t - pod.deleting.t:.1f} s after its deletion"


def _gone_in_grace(lifecycles: Lifecycles) -> Iterator[str]:
    for pod in lifecycles.of("Pod"):
        if pod.deleting and pod.gone:
            most = grace_period_s(pod.spec) + HOOK_EXTENSION_S + 2 * TOLERANCE_S
            if pod.gone.t - pod.deleting.t > most:
                yield f"{pod.gone.t:.2f} s: {pod.name} was gone {pod.gone.t - pod.deleting.t:.1f} s after its deletion"


def _never_early(what: str) -> Invariant:
    def broken_early(lifecycles: Lifecycles) -> Iterator[str]:
        for seconds in durations(lifecycles).get(what, ()):
            if seconds < -EARLY_S:
                yield f"{-seconds:.1f} s too early"

    return broken_early


def _observed_behind(lifecycles: Lifecycles) -> Iterator[str]:
    for life in lifecycles.of("Deployment", "StatefulSet", "ReplicaSet"):
        before = 0
        for change in life.changes:
            generation = int(change.object["metadata"].get("generation", 0))
            observed = int(change.status.get("observedGeneration", 0))
            if not before <= observed <= generation:
                yield f"{change.t:.2f} s: {life.name} observed {observed} of generation {generation}"
            before = observed


def _told_as_stored(lifecycles: Lifecycles) -> Iterator[str]:
    latest: tuple[float, Lifecycle] | None = None
    pairs = ((change, life) for life in lifecycles.all for change in life.changes if life.kind != "Event")
    for change, life in sorted(pairs, key=lambda pair: pair[0].place):
        if latest and change.t < latest[0] - _WATCH_DELAY_S:
            yield f"{change.t:.2f} s: {life.name} was stored after {latest[1].name}, seen at {latest[0]:.2f} s"
        latest = (change.t, life) if latest is None or change.t > latest[0] else latest


INVARIANTS: dict[str, Invariant] = {
    "a ReplicaSet's size is raised before its pod is created": _size_before_pods,
    "a pod runs only where it is scheduled": _scheduled_before_running,
    "a pod is Ready only when it runs, after its probe's delay": _ready_when_running,
    "an endpoint is ready only when its pod is Ready": _endpoint_after_ready,
    "an endpoint is terminating only when its pod is": _terminating_after_deletion,
    "no endpoint is ready and terminating": _never_ready_and_terminating,
    "an endpoint stays listed until its pod has ended": _listed_while_serving,
    "a pod is gone only after its containers ended": _containers_end_first,
    "containers end only after preStop": _hook_before_stop,
    "a pod is gone within its grace period": _gone_in_grace,
    "available means Ready for minReadySeconds": _never_early("Ready until available, beyond minReadySeconds"),
    "progressDeadlineSeconds is waited for": _never_early(
        "progress until its deadline is exceeded, beyond the deadline"
    ),
    "observedGeneration follows generation": _observed_behind,
    "what is stored later is not seen earlier": _told_as_stored,
    **deployment_invariants.INVARIANTS,
    **statefulset_invariants.INVARIANTS,
}
