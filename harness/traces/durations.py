"""Lifecycles -> how long things took beyond what the manifest asks for, so that runs on any cluster can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.spec.endpoints import EndpointConditions, conditions
from harness.spec.readiness import readiness_s
from harness.spec.termination import surely_runs_s
from harness.traces.api_times import began_at_latest, latest_offset_s
from harness.traces.lifecycles import Lifecycle, Lifecycles, ended, endpoints, ready, running
from harness.traces.trace import Change

TOLERANCE_S = 1.5
"""By how much the medians of two runs may differ: a kubelet looks after each pod once a second, and a busy machine is
half a second late. The one tolerance for all durations of all traces."""

EARLY_S = 1.25
"""The API keeps times in whole seconds, so what is counted from one (minReadySeconds) may seem 1 s short; a quarter
of a second more for a watch that tells of the beginning late and an API whose times do not say better."""

_TIMED_OUT = "ProgressDeadlineExceeded"

Durations = dict[str, tuple[float, ...]]


def durations(lifecycles: Lifecycles) -> Durations:
    """Seconds by what they measure, one value for each object that shows it."""
    measures: dict[str, Callable[[Lifecycles, Lifecycle], float | None]] = {
        "pod created until scheduled": _scheduling,
        "scheduled until a container runs": _starting,
        "running until Ready, beyond the first probes": _readiness,
        "Ready until its endpoint is ready": _endpoint_ready,
        "deletion until its endpoint is terminating": _endpoint_terminating,
        "deletion until containers ended, beyond preStop": _stopping,
        "containers ended until gone": _leaving,
    }
    pods = [pod for pod in lifecycles.of("Pod") if pod.born]
    found = {
        what: tuple(value for pod in pods if (value := measure(lifecycles, pod)) is not None)
        for what, measure in measures.items()
    }
    found["Ready until available, beyond minReadySeconds"] = tuple(_availability(lifecycles))
    found["progress until its deadline is exceeded, beyond the deadline"] = tuple(_deadline(lifecycles))
    return {what: values for what, values in found.items() if values}


def _between(begin: Change | None, end: Change | None) -> float | None:
    return None if begin is None or end is None else end.t - begin.t


def _scheduling(_: Lifecycles, pod: Lifecycle) -> float | None:
    return _between(pod.since(lambda change: not change.gone), pod.since(lambda change: "nodeName" in change.spec))


def _starting(_: Lifecycles, pod: Lifecycle) -> float | None:
    return _between(pod.since(lambda change: "nodeName" in change.spec), pod.since(running))


def _readiness(_: Lifecycles, pod: Lifecycle) -> float | None:
    """Zero where the first probes succeeded, or the next ones after a period: which of the two is chance."""
    seconds = _between(pod.since(running), pod.since(ready))
    if seconds is None:
        return None
    least, period = readiness_s(pod.spec)
    return max(0.0, seconds - least - period)


def _stopping(_: Lifecycles, pod: Lifecycle) -> float | None:
    if pod.since(running) is None:
        return None
    seconds = _between(pod.deleting, pod.since(ended))
    return None if seconds is None else seconds - surely_runs_s(pod.spec)


def _leaving(_: Lifecycles, pod: Lifecycle) -> float | None:
    return _between(pod.since(ended), pod.gone)


def _endpoint_ready(lifecycles: Lifecycles, pod: Lifecycle) -> float | None:
    return _between(pod.since(ready), _shown(lifecycles, pod, lambda said: said.ready))


def _endpoint_terminating(lifecycles: Lifecycles, pod: Lifecycle) -> float | None:
    if pod.deleting is None or pod.deleting.place >= lifecycles.cut:
        return None
    return _between(pod.deleting, _shown(lifecycles, pod, lambda said: said.terminating))


def _shown(lifecycles: Lifecycles, pod: Lifecycle, holds: Callable[[EndpointConditions], bool]) -> Change | None:
    for _, change in lifecycles.merged("EndpointSlice"):
        endpoint = endpoints(change).get(pod.first.uid)
        if endpoint is not None and holds(conditions(endpoint)):
            return change
    return None


def _availability(lifecycles: Lifecycles) -> Iterator[float]:
    """The n-th pod of a ReplicaSet that was Ready, against the first time that n were available."""
    for replica_set in (life for life in lifecycles.of("ReplicaSet") if life.born):
        spec = lifecycles.spec_at(replica_set.first.place)
        for number, ready_t in enumerate(_became_ready(lifecycles, replica_set.revision), start=1):
            at = next((c for c in replica_set.changes if int(c.status.get("availableReplicas", 0)) >= number), None)
            if at is not None and spec is not None:
                yield at.t - ready_t - spec.min_ready_s


def _became_ready(lifecycles: Lifecycles, revision: int | None) -> list[float]:
    """When the pods of a revision became Ready, one after another, until the first of them was to go."""
    pods = [pod for pod in lifecycles.of("Pod") if pod.revision == revision]
    until = min((pod.deleting.place for pod in pods if pod.deleting), default=float("inf"))
    offset_s = latest_offset_s(lifecycles.trace)
    became = [at for pod in pods if (at := pod.since(ready)) and at.place < until]
    return sorted(began_at_latest(at, "Ready", offset_s) for at in became)


def _deadline(lifecycles: Lifecycles) -> Iterator[float]:
    """From the last progress, as the Deployment's own condition has it, to the news that there is none."""
    workload = lifecycles.workload
    progress: Change | None = None
    for change in workload.changes if workload else ():
        now, known = _progressing(change), _progressing(progress)
        if progress and now[0] == _TIMED_OUT != known[0]:
            spec = lifecycles.spec_at(change.place)
            if spec is not None and spec.progress_deadline_s is not None:
                yield change.t - progress.t - spec.progress_deadline_s
        if now != known:
            progress = change


def _progressing(change: Change | None) -> tuple[str | None, str | None]:
    """(reason, lastUpdateTime) of the Deployment's condition Progressing."""
    condition = change.condition("Progressing") if change else {}
    return condition.get("reason"), condition.get("lastUpdateTime")
