"""A pod that is not Ready and the Events about it -> what holds it up.

Sources: pkg/kubelet/kuberuntime and pkg/kubelet/events (reasons and messages of Events and of waiting containers),
pkg/kubelet/images/image_manager.go, pkg/volume (what is missing), pkg/kubelet/status/generate.go (readiness gates).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from harness.disruptions.events import Events, message, times
from harness.disruptions.obstacle import Obstacle, one_line

Pod = dict[str, Any]
Status = dict[str, Any]

_ABSENT = re.compile(
    r"\b(?P<kind>secret|configmap) \"(?P<name>[^\"]+)\" not found"
    r"|couldn't find key \S+ in \S+ \S+|references non-existent (?:config|secret) key: \S+",
    re.IGNORECASE,
)
_KINDS = {"secret": "Secret", "configmap": "ConfigMap"}
_NO_SUCH_IMAGE = re.compile(r"\bnot ?found\b|manifest unknown|does not exist", re.IGNORECASE)
_NEVER_PULLED = frozenset({"ErrImageNeverPull", "InvalidImageName"})
_PULLS = ("ErrImagePull", "ImagePullBackOff", *_NEVER_PULLED)
_STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
_BACK_OFF = re.compile(r"^back-off \S+ restarting failed container=\S+ pod=\S+$")
_PROBE = re.compile(r"^(Liveness|Readiness|Startup) probe (failed|errored)")
_FAILURES_OF_A_START = 3
"""What a readiness probe may fail while its container starts (Kubernetes' own failureThreshold)."""

_MENDS_KILLED = "Give it a startupProbe, or its probe more time: it is killed before it serves."
_MENDS_ENDED = "See its log for why it ends."


def of_pod(pod: Pod, events: Events) -> list[Obstacle]:
    """What holds one pod up: the first of these that there is explains the others."""
    if condition(pod, "Ready").get("status") == "True":
        return []
    for look in (_unscheduled, _unmounted, _waiting, _unprobed, _gated):
        if found := list(look(pod, events)):
            return found
    return []


def condition(pod: Pod, kind: str) -> dict[str, Any]:
    """The pod's condition of that type; empty where it has none."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each.get("type") == kind), {})


def _unscheduled(pod: Pod, events: Events) -> Iterator[Obstacle]:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        why = str(scheduled.get("message") or scheduled.get("reason") or "no reason is given")
        yield Obstacle(
            where=_name(pod),
            what=f"unschedulable ({one_line(why)})",
            mend="Make room on a node that fits, or change what the pod asks for.",
        )


def _unmounted(pod: Pod, events: Events) -> Iterator[Obstacle]:
    if any({"running", "terminated"} & set(status.get("state") or ()) for status in _statuses(pod)):
        return  # a container has started, so the events tell of what is over
    for event in events.of(_uid(pod), "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")[-1:]:
        if _ABSENT.search(message(event)):
            yield _missing(_name(pod), message(event), times(event))
        else:
            yield Obstacle(
                where=_name(pod),
                what=f"{event['reason']} ({one_line(message(event))})",
                mend="See why its node cannot set the pod up.",
                reports=times(event),
                tell_from=2,  # a node that has just heard of the pod fails once where its cache is behind
            )


def _waiting(pod: Pod, events: Events) -> Iterator[Obstacle]:
    for status in _statuses(pod):
        waiting = _state(status, "waiting")
        if str(waiting.get("reason") or "") not in _STARTING:
            look = _WAITING.get(str(waiting["reason"]), _otherwise)
            yield look(pod, status, events)


def _unconfigured(pod: Pod, status: Status, events: Events) -> Obstacle:
    said = str(_state(status, "waiting").get("message") or "")
    told = [event for event in events.of(_uid(pod), "Failed") if said and said in message(event)]
    return _missing(_where(pod, status), said, max(map(times, told), default=1))


def _missing(where: str, said: str, reports: int) -> Obstacle:
    """A Secret, ConfigMap or key that is not there; or another fault of what the pod refers to."""
    absent = _ABSENT.search(said)
    if absent and absent["kind"]:
        thing = f"{_KINDS[absent['kind'].lower()]} {absent['name']}"
        what, mend = f"there is no {thing} ({one_line(said)})", f"Put {thing} into the manifests."
    else:
        what, mend = f"cannot be configured ({one_line(said)})", "Correct what its spec refers to."
    return Obstacle(where=where, what=what, mend=mend, final=absent is not None, reports=reports)


def _unpulled(pod: Pod, status: Status, events: Events) -> Obstacle:
    """An image that cannot be had. While the kubelet backs off, only the last pull's event may tell why."""
    waiting = _state(status, "waiting")
    reason, image = str(waiting["reason"]), str(status.get("image") or "?")
    pulls = [event for event in events.of(_uid(pod), "Failed") if f'pull image "{image}"' in message(event)]
    why = str(waiting.get("message") or "")
    if pulls and not _NO_SUCH_IMAGE.search(why):
        why = message(pulls[-1])
    again = [event for event in events.of(_uid(pod), "BackOff") if f'pulling image "{image}"' in message(event)]
    final = reason in _NEVER_PULLED or bool(_NO_SUCH_IMAGE.search(why))
    return Obstacle(
        where=_where(pod, status),
        what=f"{reason}, image {image} ({one_line(why)})",
        mend="Name an image that its nodes can pull." if final else "Do its nodes reach the registry, with its secret?",
        final=final,
        reports=max(1 if reason == "ErrImagePull" else 2, sum(map(times, (*pulls, *again)))),
    )


def _crashing(pod: Pod, status: Status, events: Events) -> Obstacle:
    ended, killer = _ended(status), _killer(pod, status, events)
    restarts = int(status.get("restartCount") or 0)
    what = f"CrashLoopBackOff, {_ending(ended)}" + (f", restarted {restarts} times" if restarts > 1 else "")
    what += f", killed after: {one_line(killer)}" if killer else ""
    return Obstacle(where=_where(pod, status), what=what, mend=_MENDS_KILLED if killer else _MENDS_ENDED)


def _otherwise(pod: Pod, status: Status, events: Events) -> Obstacle:
    waiting = _state(status, "waiting")
    said = str(waiting.get("message") or "")
    detail = f" ({one_line(said)})" if said and not _BACK_OFF.match(said) else ""
    return Obstacle(where=_where(pod, status), what=f"{waiting['reason']}{detail}", mend="See what its node says.")


_WAITING: dict[str, Callable[[Pod, Status, Events], Obstacle]] = {
    "CreateContainerConfigError": _unconfigured,
    "CrashLoopBackOff": _crashing,
    **dict.fromkeys(_PULLS, _unpulled),
}


def _unprobed(pod: Pod, events: Events) -> Iterator[Obstacle]:
    """Containers that were killed, ended by themselves, or run with a probe that fails."""
    for status in _statuses(pod):
        ended, killer = _ended(status), _killer(pod, status, events)
        if status.get("ready") or _state(status, "terminated").get("exitCode") == 0:
            continue
        if killer:
            yield Obstacle(where=_where(pod, status), what=f"killed after: {one_line(killer)}", mend=_MENDS_KILLED)
        elif ended.get("exitCode") and events.of(_uid(pod), "BackOff", container=str(status.get("name"))):
            yield _crashing(pod, status, events)  # it has just been started again
        elif ended.get("exitCode"):
            yield Obstacle(where=_where(pod, status), what=_ending(ended), mend=_MENDS_ENDED)
        elif failing := _failing(pod, status, events):
            yield Obstacle(
                where=_where(pod, status),
                what=one_line(message(failing[-1])),
                mend="See why its probe fails, or give it more time.",
                reports=sum(map(times, failing)),
                tell_from=_FAILURES_OF_A_START,
            )


def _killer(pod: Pod, status: Status, events: Events) -> str:
    """What the liveness or startup probe said for which a container was killed; empty where it was not."""
    killed = events.of(_uid(pod), "Killing", container=str(status.get("name")))
    if not any("probe" in message(event) for event in killed):
        return ""
    probes = [message(event) for event in _failing(pod, status, events)]
    return next((said for said in reversed(probes) if not said.startswith("Readiness")), message(killed[-1]))


def _failing(pod: Pod, status: Status, events: Events) -> list[dict[str, Any]]:
    told = events.of(_uid(pod), "Unhealthy", container=str(status.get("name")))
    return [event for event in told if _PROBE.match(message(event))]


def _gated(pod: Pod, events: Events) -> Iterator[Obstacle]:
    """Readiness gates whose condition nobody has set."""
    if condition(pod, "ContainersReady").get("status") != "True":
        return
    for gate in (pod.get("spec") or {}).get("readinessGates") or ():
        kind = str(gate.get("conditionType"))
        status = condition(pod, kind).get("status")
        if status != "True":
            seen = "nobody has set it" if status is None else f"it is {status}"
            yield Obstacle(
                where=_name(pod),
                what=f"its readiness gate {kind} is closed ({seen})",
                mend=f"Is the controller there that sets {kind}?",
            )


def _ending(ended: dict[str, Any]) -> str:
    """How a container ended: "its last end was exit code 137 (OOMKilled)"."""
    reason, said = ended.get("reason"), str(ended.get("message") or "")
    parts = [str(part) for part in (reason if reason not in ("Error", "Completed") else "", one_line(said)) if part]
    detail = f" ({': '.join(parts)})" if parts else ""
    return f"its last end was exit code {ended.get('exitCode', '?')}{detail}"


def _ended(status: Status) -> dict[str, Any]:
    """How the container's newest run that is over ended."""
    last: dict[str, Any] = (status.get("lastState") or {}).get("terminated") or {}
    return _state(status, "terminated") or last


def _statuses(pod: Pod) -> list[Status]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _state(status: Status, *kinds: str) -> dict[str, Any]:
    state = status.get("state") or {}
    return next((state[kind] for kind in kinds if state.get(kind) is not None), {})


def _where(pod: Pod, status: Status) -> str:
    return f"container {status.get('name', '?')} of {_name(pod)}"


def _name(pod: Pod) -> str:
    return str(pod["metadata"]["name"])


def _uid(pod: Pod) -> str:
    return str(pod["metadata"]["uid"])
