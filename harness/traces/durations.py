"""A history -> how long things took beyond what the manifest promises, so that runs on any cluster can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.traces.lifecycles import History, Life, conditions, ended, endpoints, ready, running
from harness.traces.promises import pre_stop_s, readiness_s
from harness.traces.trace import Change

TOLERANCE_S = 1.5
"""By how much the medians of two runs may differ: a kubelet looks after each pod once a second, and a busy machine is
half a second late. The one tolerance for all durations of all traces."""

EARLY_S = 1.25
"""The API keeps times in whole seconds, so what is counted from one (minReadySeconds) may seem 1 s short; a quarter
of a second more for a watch that tells of the beginning late."""

Spans = dict[str, tuple[float, ...]]


def spans(history: History) -> Spans:
    """Seconds by what they measure, one value for each object that shows it."""
    measures: dict[str, Callable[[History, Life], float | None]] = {
        "pod created until scheduled": _scheduling,
        "scheduled until a container runs": _starting,
        "running until Ready, beyond the first probes": _readiness,
        "Ready until its endpoint is ready": _endpoint_ready,
        "deletion until its endpoint is terminating": _endpoint_terminating,
        "deletion until containers ended, beyond preStop": _stopping,
        "containers ended until gone": _leaving,
    }
    pods = [pod for pod in history.of("Pod") if pod.born]
    found = {
        what: tuple(value for pod in pods if (value := measure(history, pod)) is not None)
        for what, measure in measures.items()
    }
    found["Ready until available, beyond minReadySeconds"] = tuple(_availability(history))
    found["progress until its deadline is exceeded, beyond the deadline"] = tuple(_deadline(history))
    return {what: values for what, values in found.items() if values}


def _between(begin: Change | None, end: Change | None) -> float | None:
    return None if begin is None or end is None else end.t - begin.t


def _scheduling(_: History, pod: Life) -> float | None:
    return _between(pod.since(lambda change: not change.gone), pod.since(lambda change: "nodeName" in change.spec))


def _starting(_: History, pod: Life) -> float | None:
    return _between(pod.since(lambda change: "nodeName" in change.spec), pod.since(running))


def _readiness(_: History, pod: Life) -> float | None:
    """Zero where the first probes succeeded, or the next ones after a period: which of the two is chance."""
    seconds = _between(pod.since(running), pod.since(ready))
    if seconds is None:
        return None
    least, period = readiness_s(pod.spec)
    return max(0.0, seconds - least - period)


def _stopping(_: History, pod: Life) -> float | None:
    if pod.since(running) is None:
        return None
    seconds = _between(pod.deleting, pod.since(ended))
    return None if seconds is None else seconds - pre_stop_s(pod.spec)


def _leaving(_: History, pod: Life) -> float | None:
    return _between(pod.since(ended), pod.gone)


def _endpoint_ready(history: History, pod: Life) -> float | None:
    return _between(pod.since(ready), _shown(history, pod, lambda ready_, _: ready_))


def _endpoint_terminating(history: History, pod: Life) -> float | None:
    if pod.deleting is None or pod.deleting.place >= history.cut:
        return None
    return _between(pod.deleting, _shown(history, pod, lambda _, terminating: terminating))


def _shown(history: History, pod: Life, holds: Callable[[bool, bool], bool]) -> Change | None:
    for _, change in history.merged("EndpointSlice"):
        endpoint = endpoints(change).get(pod.first.uid)
        if endpoint is not None:
            is_ready, _, terminating = conditions(endpoint)
            if holds(is_ready, terminating):
                return change
    return None


def _availability(history: History) -> Iterator[float]:
    """The n-th pod of a ReplicaSet that was Ready, against the first time that n were available."""
    for replica_set in (life for life in history.of("ReplicaSet") if life.born):
        promise = history.promise(replica_set.first.place)
        pods = [pod for pod in history.of("Pod") if pod.revision == replica_set.revision]
        until = min((pod.deleting.place for pod in pods if pod.deleting), default=float("inf"))
        became = sorted(at.t for pod in pods if (at := pod.since(ready)) and at.place < until)
        for number, ready_t in enumerate(became, start=1):
            at = next((c for c in replica_set.changes if int(c.status.get("availableReplicas", 0)) >= number), None)
            if at is not None and promise is not None:
                yield at.t - ready_t - promise.min_ready_s


def _deadline(history: History) -> Iterator[float]:
    """From the last progress, as the Deployment's own condition has it, to the news that there is none."""
    workload = history.workload
    progress: Change | None = None
    for change in workload.changes if workload else ():
        condition = change.condition("Progressing")
        known = progress.condition("Progressing") if progress else {}
        promise = history.promise(change.place)
        if condition.get("reason") == "ProgressDeadlineExceeded" != known.get("reason") and progress and promise:
            yield change.t - progress.t - promise.progress_deadline_s
        if condition.get("lastUpdateTime") != known.get("lastUpdateTime") or condition.get("reason") != known.get(
            "reason"
        ):
            progress = change
