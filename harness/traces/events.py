"""Lifecycles -> which Events were told of each object, without those that are chance."""

from __future__ import annotations

from collections import Counter

from harness.traces.lifecycles import Lifecycle, Lifecycles, containers, ready
from harness.traces.trace import Change, Object

_NOT_COMPARED = frozenset(
    {
        "MissingClusterDNS",  # the recorded node had no cluster DNS
        "FailedToUpdateEndpoint",  # two writers met: chance
        "FailedToUpdateEndpointSlice",
    }
)

Seen = tuple[str, str]  # (kind and name of the object, what was told)


def event_lines(lifecycles: Lifecycles) -> dict[str, tuple[str, ...]]:
    """By object: each type, reason and component of its Events; of pods also how many of that name had it."""
    pods = {pod.first.uid: pod for pod in lifecycles.of("Pod")}
    told = {
        (
            str(event.first.object["involvedObject"].get("uid")),
            _object(lifecycles, event.first.object),
            _told(event.first),
        )
        for event in lifecycles.of("Event")
        if _counts(event.first.object, pods)
    }
    times = Counter[Seen]((name, what) for _, name, what in told)
    lines: dict[str, list[str]] = {}
    for (name, what), count in sorted(times.items()):
        lines.setdefault(name, []).append(f"{count} x {what}" if name.startswith("Pod ") else what)
    return {name: tuple(found) for name, found in lines.items()}


def _object(lifecycles: Lifecycles, event: Object) -> str:
    involved = event["involvedObject"]
    return f"{involved.get('kind')} {lifecycles.names.within(str(involved.get('name')))}"


def _told(event: Change) -> str:
    component = event.object.get("reportingComponent") or (event.object.get("source") or {}).get("component")
    return f"{event.object.get('type')} {event.object.get('reason')} ({component})"


def _counts(event: Object, pods: dict[str, Lifecycle]) -> bool:
    if event.get("reason") in _NOT_COMPARED or event["involvedObject"].get("kind") == "Endpoints":
        return False
    if event.get("reason") != "Unhealthy":
        return True
    pod = pods.get(str(event["involvedObject"].get("uid")))
    return pod is None or not _answered(pod)


def _answered(pod: Lifecycle) -> bool:
    """Whether the pod came into service: then a failed probe was one that met it starting or stopping, by chance."""
    restarted = any(c.get("restartCount") for change in pod.changes for c in containers(change))
    return pod.since(ready) is not None and not restarted
