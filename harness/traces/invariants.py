"""A history -> which of the orders that always hold across objects were broken, and where.

Each rule is a sentence that Kubernetes keeps in every run, whatever the timing; its function yields one line for each
place where a trace breaks it. Places are those of the store (resourceVersion), so delays of a watch break nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.traces import deployment_invariants, statefulset_invariants
from harness.traces.durations import EARLY_S, TOLERANCE_S, spans
from harness.traces.lifecycles import History, Life, active, conditions, ended, endpoints, ready, running
from harness.traces.promises import HOOK_EXTENSION_S, grace_s, pre_stop_s, readiness_s

Rule = Callable[[History], Iterator[str]]

_WATCH_DELAY_S = 1.0
_CLOCKS_S = 0.1  # two clocks, or two watches, that tell of the same moment


def broken(history: History) -> dict[str, tuple[str, ...]]:
    """Every rule by its sentence, with what broke it; empty where it holds."""
    return {sentence: tuple(rule(history)) for sentence, rule in RULES.items()}


def _size_before_pods(history: History) -> Iterator[str]:
    sizes: dict[int | None, int] = {}
    pods: dict[str, tuple[int | None, bool]] = {}
    for life, change in history.merged("ReplicaSet", "Pod"):
        if life.kind == "ReplicaSet":
            sizes[life.revision] = 0 if change.gone else int(change.spec.get("replicas", 1))
            continue
        pods[change.uid] = (life.revision, active(change))
        if (history.workload and history.workload.kind == "StatefulSet") or change is not life.first or not life.born:
            continue
        now = sum(alive for revision, alive in pods.values() if revision == life.revision)
        if now > sizes.get(life.revision, 0):
            yield f"{change.t:.2f} s: {life.name} is number {now} of {sizes.get(life.revision, 0)}"


def _scheduled_before_running(history: History) -> Iterator[str]:
    for pod in history.of("Pod"):
        scheduled, runs = pod.since(lambda change: change.holds("PodScheduled")), pod.since(running)
        if runs and (scheduled is None or scheduled.place > runs.place or not runs.spec.get("nodeName")):
            yield f"{runs.t:.2f} s: {pod.name} runs before it is scheduled"


def _ready_when_running(history: History) -> Iterator[str]:
    for pod in history.of("Pod"):
        runs, is_ready = pod.since(running), pod.since(ready)
        if is_ready is None or not pod.born:
            continue
        least, _ = readiness_s(pod.spec)
        if runs is None or runs.place > is_ready.place:
            yield f"{is_ready.t:.2f} s: {pod.name} is Ready and does not run"
        elif is_ready.t - runs.t < least - EARLY_S:
            yield f"{is_ready.t:.2f} s: {pod.name} is Ready {is_ready.t - runs.t:.1f} s after its start"


def _endpoint_after_ready(history: History) -> Iterator[str]:
    pods = {pod.first.uid: pod for pod in history.of("Pod")}
    for _, change in history.merged("EndpointSlice"):
        for uid, endpoint in endpoints(change).items():
            pod = pods.get(uid)
            became = pod.since(ready) if pod else None
            if conditions(endpoint)[0] and pod and pod.born and (became is None or became.place > change.place):
                yield f"{change.t:.2f} s: {pod.name} is a ready endpoint and not yet Ready"


def _terminating_after_deletion(history: History) -> Iterator[str]:
    pods = {pod.first.uid: pod for pod in history.of("Pod")}
    for _, change in history.merged("EndpointSlice"):
        for uid, endpoint in endpoints(change).items():
            pod = pods.get(uid)
            if conditions(endpoint)[2] and pod and (pod.deleting is None or pod.deleting.place > change.place):
                yield f"{change.t:.2f} s: the endpoint of {pod.name} is terminating, the pod is not"


def _never_ready_and_terminating(history: History) -> Iterator[str]:
    for _, change in history.merged("EndpointSlice"):
        for endpoint in endpoints(change).values():
            is_ready, _, terminating = conditions(endpoint)
            if is_ready and terminating:
                yield f"{change.t:.2f} s: an endpoint is ready and terminating"


def _listed_while_serving(history: History) -> Iterator[str]:
    """Only a pod that has ended or is gone leaves the slices of a Service that goes on."""
    pods = {pod.first.uid: pod for pod in history.of("Pod")}
    listed: set[str] = set()
    for _, change in history.merged("EndpointSlice"):
        now = set(endpoints(change))
        for uid in listed - now:
            life = pods.get(uid)
            pod = life.at(change.place) if life else None
            if life and pod and not ended(pod):
                yield f"{change.t:.2f} s: {life.name} is no endpoint any more and has not ended"
        listed = now if not change.gone else set()


def _containers_end_first(history: History) -> Iterator[str]:
    for pod in history.of("Pod"):
        if pod.gone and pod.since(running):
            end = pod.since(ended)
            if end is None or end.gone:
                yield f"{pod.gone.t:.2f} s: {pod.name} is gone and its containers have not ended"


def _hook_before_stop(history: History) -> Iterator[str]:
    for pod in history.of("Pod"):
        end, hook = pod.since(ended), pre_stop_s(pod.spec)
        if pod.deleting and end and pod.since(running) and hook and end.t - pod.deleting.t < hook - _CLOCKS_S:
            yield f"{end.t:.2f} s: {pod.name} ended {end.t - pod.deleting.t:.1f} s after its deletion"


def _gone_in_grace(history: History) -> Iterator[str]:
    for pod in history.of("Pod"):
        if pod.deleting and pod.gone:
            most = grace_s(pod.spec) + HOOK_EXTENSION_S + 2 * TOLERANCE_S
            if pod.gone.t - pod.deleting.t > most:
                yield f"{pod.gone.t:.2f} s: {pod.name} was gone {pod.gone.t - pod.deleting.t:.1f} s after its deletion"


def _never_early(what: str) -> Rule:
    def rule(history: History) -> Iterator[str]:
        for seconds in spans(history).get(what, ()):
            if seconds < -EARLY_S:
                yield f"{-seconds:.1f} s too early"

    return rule


def _observed_behind(history: History) -> Iterator[str]:
    for life in history.of("Deployment", "StatefulSet", "ReplicaSet"):
        before = 0
        for change in life.changes:
            generation = int(change.object["metadata"].get("generation", 0))
            observed = int(change.status.get("observedGeneration", 0))
            if not before <= observed <= generation:
                yield f"{change.t:.2f} s: {life.name} observed {observed} of generation {generation}"
            before = observed


def _told_as_stored(history: History) -> Iterator[str]:
    latest: tuple[float, Life] | None = None
    pairs = ((change, life) for life in history.lives for change in life.changes if life.kind != "Event")
    for change, life in sorted(pairs, key=lambda pair: pair[0].place):
        if latest and change.t < latest[0] - _WATCH_DELAY_S:
            yield f"{change.t:.2f} s: {life.name} was stored after {latest[1].name}, seen at {latest[0]:.2f} s"
        latest = (change.t, life) if latest is None or change.t > latest[0] else latest


RULES: dict[str, Rule] = {
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
    **deployment_invariants.RULES,
    **statefulset_invariants.RULES,
}
