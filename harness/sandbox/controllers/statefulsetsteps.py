"""A StatefulSet, its pods and its two revisions -> the one next step. Pure.

Source: kubernetes `pkg/controller/statefulset/stateful_set_control.go`, `stateful_set_utils.go`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.sandbox.controllers import pods as podwise

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object

REVISION_LABEL = "controller-revision-hash"
_NAME_LABEL, _INDEX_LABEL = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Ordinals to create and pods to delete; `outdated` says that the deleted pod makes room for a new revision."""

    create: tuple[int, ...] = ()
    delete: tuple[Object, ...] = ()
    outdated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a sync sees. `current` and `update` are ControllerRevisions: where the set comes from, and where it goes."""

    stateful_set: Object
    pods: tuple[Object, ...]
    current: Object
    update: Object
    now_s: float

    @property
    def ordinals(self) -> range:
        """The ordinals there should be."""
        spec = self.stateful_set["spec"]
        start = (spec.get("ordinals") or {}).get("start", 0)
        return range(start, start + spec["replicas"])

    @property
    def partition(self) -> int:
        """Ordinals below stay with the current revision."""
        rates = self.stateful_set["spec"]["updateStrategy"].get("rollingUpdate") or {}
        return int(rates.get("partition", 0))

    @property
    def monotonic(self) -> bool:
        """Whether each pod waits for the ones before it."""
        return bool(self.stateful_set["spec"]["podManagementPolicy"] == "OrderedReady")

    @property
    def rolls(self) -> bool:
        """Whether pods of old revisions are replaced without being asked to."""
        return bool(self.stateful_set["spec"]["updateStrategy"]["type"] == "RollingUpdate")

    @property
    def available_in_s(self) -> float | None:
        """Seconds until the next ready pod becomes available; None where none is awaited."""
        rests_s = [podwise.available_in_s(pod, self.min_ready_s, self.now_s) for pod in self.pods]
        return min((rest_s for rest_s in rests_s if rest_s is not None and rest_s > 0), default=None)

    @property
    def min_ready_s(self) -> int:
        """How long a pod must be ready before it counts as available."""
        return int(self.stateful_set["spec"].get("minReadySeconds", 0))

    def by_ordinal(self) -> dict[int, Object]:
        """The pods by their ordinal."""
        numbered = ((ordinal_of(self.stateful_set, pod), pod) for pod in self.pods)
        return {ordinal: pod for ordinal, pod in numbered if ordinal is not None}

    def is_healthy(self, pod: Object) -> bool:
        """Running, ready long enough, and not on its way out."""
        running = pod.get("status", {}).get("phase") == "Running"
        available = podwise.is_available(pod, self.min_ready_s, self.now_s)
        return running and available and not podwise.is_terminating(pod)


def next_step(situation: Situation) -> Step:
    """Missing pods first, from the lowest ordinal; then surplus ones, from the highest; then those of old revisions.

    With OrderedReady each waits until all before it are healthy; with Parallel only the replacement of old revisions is
    one at a time.
    """
    pods = situation.by_ordinal()
    if (awaited := _first_to_settle(situation, pods)) is not None:
        return awaited
    missing = tuple(ordinal for ordinal in situation.ordinals if ordinal not in pods)
    surplus = [pods[ordinal] for ordinal in sorted(pods, reverse=True) if ordinal not in situation.ordinals]
    doomed = [pod for pod in surplus if not podwise.is_terminating(pod)]
    if situation.monotonic and surplus:
        return Step(delete=tuple(doomed[:1]) if len(doomed) == len(surplus) else ())
    if missing or doomed or not situation.rolls:
        return Step(create=missing, delete=tuple(doomed))
    return _replacement(situation, pods)


def _first_to_settle(situation: Situation, pods: dict[int, Object]) -> Step | None:
    """The step for the lowest ordinal before which nothing else may happen; None where there is none such."""
    for ordinal in situation.ordinals:
        pod = pods.get(ordinal)
        if pod is None:
            if situation.monotonic:
                return Step(create=(ordinal,))
        elif podwise.is_finished(pod) and not podwise.is_terminating(pod):
            return Step(delete=(pod,))
        elif situation.monotonic and not situation.is_healthy(pod):
            return Step()
    return None


def _replacement(situation: Situation, pods: dict[int, Object]) -> Step:
    update = situation.update["metadata"]["name"]
    for ordinal in reversed(situation.ordinals):
        if ordinal < situation.partition or ordinal not in pods:
            break
        pod = pods[ordinal]
        if revision_of(pod) != update and not podwise.is_terminating(pod):
            return Step(delete=(pod,), outdated=True)
        if not situation.is_healthy(pod):
            break
    return Step()


def pod_of(situation: Situation, ordinal: int) -> Object:
    """A new pod: of the current revision below the partition, else of the update revision."""
    stateful_set = situation.stateful_set
    current = situation.rolls and ordinal < situation.partition
    revision = situation.current if current else situation.update
    template, name = revision["data"]["spec"]["template"], f"{stateful_set['metadata']['name']}-{ordinal}"
    template = {key: value for key, value in template.items() if key != "$patch"}
    pod = podwise.from_template(template, stateful_set)
    own = {REVISION_LABEL: revision["metadata"]["name"], _NAME_LABEL: name, _INDEX_LABEL: str(ordinal)}
    pod["metadata"] |= {"name": name, "labels": {**pod["metadata"].get("labels", {}), **own}}
    pod["spec"] = {**pod["spec"], "hostname": name}
    if claims := claims_of(stateful_set, ordinal):
        templates = [template["metadata"]["name"] for template in stateful_set["spec"]["volumeClaimTemplates"]]
        names = dict(zip(templates, (claim["metadata"]["name"] for claim in claims), strict=True))
        others = [volume for volume in pod["spec"].get("volumes") or () if volume["name"] not in names]
        ours = [{"name": name, "persistentVolumeClaim": {"claimName": claim}} for name, claim in names.items()]
        pod["spec"]["volumes"] = [*ours, *others]
    if service := stateful_set["spec"].get("serviceName"):
        pod["spec"]["subdomain"] = service
    return pod


def claims_of(stateful_set: Object, ordinal: int) -> tuple[Object, ...]:
    """The claims of the pod with that ordinal, one a volumeClaimTemplate, named TEMPLATE-POD.

    Source: pkg/controller/statefulset/stateful_set_utils.go (getPersistentVolumeClaims, updateStorage).
    """
    pod = f"{stateful_set['metadata']['name']}-{ordinal}"
    labels = (stateful_set["spec"]["selector"] or {}).get("matchLabels") or {}
    made = []
    for template in stateful_set["spec"].get("volumeClaimTemplates") or ():
        metadata = template["metadata"]
        own = {"name": f"{metadata['name']}-{pod}", "labels": {**(metadata.get("labels") or {}), **labels}}
        kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
        made.append({**template, **kind, "metadata": {**metadata, **own}})
    return tuple(made)


def ordinal_of(stateful_set: Object, pod: Object) -> int | None:
    """The number at the end of a pod's name, where it is one of this set."""
    match = re.fullmatch(rf"{re.escape(stateful_set['metadata']['name'])}-(\d+)", pod["metadata"]["name"])
    return int(match[1]) if match else None


def revision_of(pod: Object) -> str:
    """The name of the ControllerRevision that a pod was made from."""
    return str((pod["metadata"].get("labels") or {}).get(REVISION_LABEL, ""))
