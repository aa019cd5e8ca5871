"""A pod that is not Ready and the Events about it -> what holds it up.

Sources: pkg/kubelet/kuberuntime and pkg/kubelet/events (reasons and messages of Events and of waiting containers),
pkg/kubelet/images/image_manager.go, pkg/volume (what is missing), pkg/kubelet/status/generate.go (readiness gates).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from harness.disruptions.container_ends import PASSES, crashing, killed_or_ended, unstarted
from harness.disruptions.container_status import (
    Pod,
    Status,
    has_succeeded,
    log_of_run,
    name,
    state,
    statuses,
    uid,
    where,
)
from harness.disruptions.events import Events, message, times
from harness.disruptions.failing_probes import failing_probe
from harness.disruptions.no_node import mend_for
from harness.disruptions.obstacle import Obstacle, one_line

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
# What kube-scheduler adds about evicting others, which is never why a pod has no node.
_PREEMPTION = re.compile(r"(?<=\.) (?:no new claims to deallocate, )?preemption: .*$", re.DOTALL)
_BACK_OFF = re.compile(r"^back-off \S+ restarting failed container=\S+ pod=\S+$")


def of_pod(pod: Pod, events: Events) -> list[Obstacle]:
    """What holds one pod up: the first of these that there is explains the others."""
    if condition(pod, "Ready").get("status") == "True":
        return []
    for look in (_unscheduled, _unmounted, _unstarted, _waiting, _initializing, _unprobed, _gated):
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
        told = _PREEMPTION.sub("", why)
        yield Obstacle(where=name(pod), what=f"unschedulable ({one_line(told)})", mend=mend_for(told))


def _unmounted(pod: Pod, events: Events) -> Iterator[Obstacle]:
    if any({"running", "terminated"} & set(status.get("state") or ()) for status in statuses(pod)):
        return  # a container has started, so the events tell of what is over
    for event in events.of(uid(pod), "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")[-1:]:
        if _ABSENT.search(message(event)):
            yield _missing(name(pod), message(event), times(event))
        else:
            yield Obstacle(
                where=name(pod),
                what=f"{event['reason']} ({one_line(message(event))})",
                mend="See why its node cannot set the pod up.",
                reports=times(event),
                tell_from=2,  # a node that has just heard of the pod fails once where its cache is behind
            )


def _unstarted(pod: Pod, events: Events) -> Iterator[Obstacle]:
    for status in statuses(pod):
        if (found := unstarted(pod, status, events)) is not None:
            yield found


def _waiting(pod: Pod, events: Events) -> Iterator[Obstacle]:
    for status in statuses(pod):
        waiting = state(status, "waiting")
        if str(waiting.get("reason") or "") not in _STARTING:
            look = _WAITING.get(str(waiting["reason"]), _otherwise)
            yield look(pod, status, events)


def _unconfigured(pod: Pod, status: Status, events: Events) -> Obstacle:
    said = str(state(status, "waiting").get("message") or "")
    told = [event for event in events.of(uid(pod), "Failed") if said and said in message(event)]
    return _missing(where(pod, status), said, max(map(times, told), default=1))


def _missing(place: str, said: str, reports: int) -> Obstacle:
    """A Secret, ConfigMap or key that is not there; or another fault of what the pod refers to."""
    absent = _ABSENT.search(said)
    if absent and absent["kind"]:
        thing = f"{_KINDS[absent['kind'].lower()]} {absent['name']}"
        what, mend = f"there is no {thing} ({one_line(said)})", f"Put {thing} into the manifests."
    else:
        what, mend = f"cannot be configured ({one_line(said)})", "Correct what its spec refers to."
    final = absent is not None or bool(said and not PASSES.search(said))
    return Obstacle(where=place, what=what, mend=mend, final=final, reports=reports)


def _unpulled(pod: Pod, status: Status, events: Events) -> Obstacle:
    """An image that cannot be had. While the kubelet backs off, only the last pull's event may tell why."""
    waiting = state(status, "waiting")
    reason, image = str(waiting["reason"]), str(status.get("image") or "?")
    pulls = [event for event in events.of(uid(pod), "Failed") if f'pull image "{image}"' in message(event)]
    why = str(waiting.get("message") or "")
    if pulls and not _NO_SUCH_IMAGE.search(why):
        why = message(pulls[-1])
    again = [event for event in events.of(uid(pod), "BackOff") if f'pulling image "{image}"' in message(event)]
    final = reason in _NEVER_PULLED or bool(_NO_SUCH_IMAGE.search(why))
    return Obstacle(
        where=where(pod, status),
        what=f"{reason}, image {image} ({one_line(why)})",
        mend="Name an image that its nodes can pull." if final else "Do its nodes reach the registry, with its secret?",
        final=final,
        certain=reason == "InvalidImageName",
        reports=max(1 if reason == "ErrImagePull" else 2, sum(map(times, (*pulls, *again)))),
    )


def _unhooked(pod: Pod, status: Status, events: Events) -> Obstacle:
    return replace(
        _otherwise(pod, status, events),
        mend="See why its postStart hook fails: until it succeeds the container is killed and started again.",
    )


def _otherwise(pod: Pod, status: Status, events: Events) -> Obstacle:
    waiting = state(status, "waiting")
    said = str(waiting.get("message") or "")
    detail = f" ({one_line(said)})" if said and not _BACK_OFF.match(said) else ""
    return Obstacle(where=where(pod, status), what=f"{waiting['reason']}{detail}", mend="See what its node says.")


_WAITING: dict[str, Callable[[Pod, Status, Events], Obstacle]] = {
    "CreateContainerConfigError": _unconfigured,
    "CrashLoopBackOff": crashing,
    "PostStartHookError": _unhooked,
    **dict.fromkeys(_PULLS, _unpulled),
}


def _initializing(pod: Pod, events: Events) -> Iterator[Obstacle]:
    """The init container that still runs, which is no news while it may end: nothing else starts before it has."""
    if condition(pod, "Initialized").get("status") != "False":
        return
    own = (pod.get("spec") or {}).get("initContainers") or ()
    ending = {each.get("name") for each in own if each.get("restartPolicy") != "Always"}
    for status in (pod.get("status") or {}).get("initContainerStatuses") or ():
        if "running" in (status.get("state") or ()) and status.get("name") in ending:
            yield Obstacle(
                where=where(pod, status),
                what="it still runs, and the other containers wait for it to end",
                mend=f"See what {status.get('name')} waits for, or raise rollout_timeout.",
                tell_from=2,
                log=log_of_run(pod, status),
            )


def _unprobed(pod: Pod, events: Events) -> Iterator[Obstacle]:
    """Containers that were killed, ended by themselves, or run with a probe that fails."""
    for status in statuses(pod):
        if status.get("ready") or has_succeeded(pod, status):
            continue
        found = killed_or_ended(pod, status, events)
        if found is None and state(status, "terminated").get("exitCode") != 0:
            found = failing_probe(pod, status, events)
        if found is not None:
            yield found


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
                where=name(pod),
                what=f"its readiness gate {kind} is closed ({seen})",
                mend=f"Is the controller there that sets {kind}?",
            )
