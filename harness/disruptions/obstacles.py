"""What the watches show of a rollout that does not get on -> what holds it up, in words, and whether waiting helps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from harness.disruptions.events import Events, message, moment, times
from harness.disruptions.obstacle import Obstacle, one_line
from harness.disruptions.pod_obstacles import of_pod
from harness.disruptions.workload import Workload, own_pods, own_uids
from harness.kube.errors import admission_advice
from harness.kube.view import View
from harness.spec.hazards import hazards

_ONLY_A_CHANGE_MENDS = (
    (r"serviceaccount \"([^\"]+)\" not found", "Put ServiceAccount {} into the manifests."),
    (r"no PriorityClass with name (\S+) was found", "Make PriorityClass {}, or leave priorityClassName out."),
    (r"RuntimeClass \"([^\"]+)\" not found", "Make RuntimeClass {}, or leave runtimeClassName out."),
    (
        r"violates PodSecurity \"([^\"]+)\"",
        "Have its pods meet the Pod Security Standard {} of their namespace, or use another namespace.",
    ),
    (
        r"failed quota: \S+: must specify (.+)",
        "Give its containers what the namespace's ResourceQuota counts ({}), or the namespace a LimitRange that does.",
    ),
    (
        r"((?:maximum|minimum) \S+ usage per|must be less than or equal to \S+ limit)",
        "Keep its requests and limits within what the namespace's LimitRange (kubectl describe limitrange) allows.",
    ),
)
"""What an API server says of a pod that it will refuse for ever, and what mends that: kubernetes
plugin/pkg/admission/serviceaccount, priority, runtimeclass, resourcequota, podsecurity and limitranger."""

_REFUSED_POD = re.compile(r"\b(?:pods|Pod) \"[^\"]*\" is (?:forbidden|invalid): ")
"""Each try has another name: the same refusal must not look like news."""

_MOST_TOLD = 4


def obstacles(view: View, workload: Workload, *, rolls: bool = True) -> tuple[Obstacle, ...]:
    """What holds the workload's rollout up now, what stays first; empty where nothing is known to.

    `rolls`: it is to be rolled; without, it is only to have its pods.
    """
    found = view.named(workload.kind, workload.name)
    if found is None:
        return ()
    events = Events(view)
    pods = [pod for pod in own_pods(view, workload) if "deletionTimestamp" not in pod["metadata"]]
    seen = [
        *(_blocked(found, workload) if rolls else ()),
        *_not_created(events, own_uids(view, workload), workload),
        *(obstacle for pod in pods for obstacle in of_pod(pod, events)),
    ]
    return tuple(sorted(dict.fromkeys(seen), key=lambda obstacle: not obstacle.final))


def in_words(found: Iterable[Obstacle]) -> str:
    """Obstacles as clauses: pods that are held up by the same thing are counted, not listed."""
    clauses = [
        f"{first.where}{f' and {len(rest)} more' if rest else ''}: {first.what}" for first, *rest in alike(found)
    ]
    more = len(clauses) - _MOST_TOLD
    return "; ".join(clauses[:_MOST_TOLD] + ([f"and {more} more"] if more > 0 else []))


def alike(found: Iterable[Obstacle]) -> list[list[Obstacle]]:
    """Obstacles by what they have in common."""
    same: dict[str, list[Obstacle]] = {}
    for obstacle in found:
        same.setdefault(obstacle.same, []).append(obstacle)
    return list(same.values())


def mends(found: Iterable[Obstacle]) -> str:
    """What to do about obstacles, each once."""
    return " ".join(dict.fromkeys(obstacle.mend for obstacle in found))


def _blocked(found: dict[str, Any], workload: Workload) -> Iterator[Obstacle]:
    """What the workload's own spec forbids: nothing is rolled until somebody changes it."""
    for hazard in hazards(found, ()):
        if hazard.blocks:
            yield Obstacle(
                where=str(workload), what=hazard.sentence, mend=f"Needed: {hazard.mend}.", final=True, certain=True
            )


def _not_created(events: Events, owners: Iterable[str], workload: Workload) -> Iterator[Obstacle]:
    """Pods that the API did not take: a quota, an admission webhook, a ServiceAccount that is not there.

    Message and order of the events: pkg/controller/controller_utils.go (CreatePods); a StatefulSet's own wording:
    pkg/controller/statefulset/stateful_pod_control.go.
    """
    told = [event for owner in owners for event in events.of(owner, "FailedCreate", "SuccessfulCreate")]
    newest = max(told, key=moment, default=None)
    if newest is None or newest["reason"] != "FailedCreate":
        return
    why = _REFUSED_POD.sub("", message(newest).removeprefix("Error creating: "))
    change = _change(why)
    quota = "Raise the quota, or lower maxSurge or replicas." if "exceeded quota" in why else ""
    otherwise = quota or admission_advice(message(newest)) or "See to it that the API takes its pods."
    yield Obstacle(
        where=str(workload),
        what=f"its pods are refused ({one_line(why)})",
        mend=change or otherwise,
        final=bool(change),
        reports=times(newest),
    )


def _change(why: str) -> str:
    """What mends a refusal that no waiting does; empty of any other."""
    for pattern, mend in _ONLY_A_CHANGE_MENDS:
        if said := re.search(pattern, why):
            return mend.format(said[1])
    return ""
