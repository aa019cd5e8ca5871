"""A Deployment and its ReplicaSets -> which is new, which are old, their revisions, hashes and annotations.

Source: kubernetes `pkg/controller/deployment/util/deployment_util.go`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.sandbox.apiserver.generated_names import safe_encoded
from harness.sandbox.controllers import rolling
from harness.sandbox.controllers.owners import reference_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.sandbox.apiclient import Object

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
)
_FNV_OFFSET, _FNV_PRIME = 2166136261, 16777619


def template_hash(template: Object, collisions: int | None = None) -> str:
    """A short hash of a pod template: FNV-1a of its canonical JSON, in the alphabet of generated names."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    if collisions is not None:
        text += str(collisions)
    value = _FNV_OFFSET
    for byte in text.encode():
        value = ((value ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    return safe_encoded(value)


def revision(obj: Object) -> int:
    """The revision in the annotations; 0 where there is none."""
    try:
        return int((obj["metadata"].get("annotations") or {}).get(REVISION, "0"))
    except ValueError:
        return 0


def find_new(deployment: Object, sets: Iterable[Object]) -> Object | None:
    """The oldest ReplicaSet whose template is the Deployment's."""
    wanted = _without_hash(deployment["spec"]["template"])
    same = [item for item in sets if _without_hash(item["spec"]["template"]) == wanted]
    return min(same, key=age, default=None)


def age(obj: Object) -> tuple[str, str]:
    """Sorts by creation, then by name."""
    return obj["metadata"]["creationTimestamp"], obj["metadata"]["name"]


def is_alive(obj: Object) -> bool:
    """Whether its deletion was not asked for."""
    return not obj["metadata"].get("deletionTimestamp")


def next_revision(old: Sequence[Object]) -> int:
    """One more than the highest of the old ones."""
    return max((revision(item) for item in old), default=0) + 1


def annotate(deployment: Object, replica_set: Object, number: int, *, maximum: int, exists: bool) -> bool:
    """Writes the Deployment's annotations and the revision into the ReplicaSet; whether anything changed.

    The sizes are written when the set is made; later they change with its size only.
    """
    annotations = dict(replica_set["metadata"].get("annotations") or {})
    before = dict(annotations)
    given = deployment["metadata"].get("annotations") or {}
    annotations.update({key: value for key, value in given.items() if key not in _NOT_COPIED})
    present = revision(replica_set)
    if present < number:
        annotations[REVISION] = str(number)
        if present:
            past = [item for item in annotations.get(HISTORY, "").split(",") if item]
            annotations[HISTORY] = ",".join([*past, str(present)])
    if not exists:
        annotations |= {DESIRED: str(deployment["spec"]["replicas"]), MAXIMUM: str(maximum)}
    replica_set["metadata"]["annotations"] = annotations
    return annotations != before


def desired_annotation(replica_set: Object) -> int | None:
    """The Deployment's size when this set was last scaled."""
    return _number(replica_set, DESIRED)


def maximum_annotation(replica_set: Object) -> int:
    """The Deployment's maximum when this set was last scaled; 0 where it does not tell."""
    return _number(replica_set, MAXIMUM) or 0


def bounds_of(deployment: Object) -> rolling.Bounds:
    """The bounds of its strategy; Recreate has neither surge nor unavailability."""
    spec = deployment["spec"]
    if spec["strategy"]["type"] != "RollingUpdate":
        return rolling.Bounds(replicas=spec["replicas"], max_surge=0, max_unavailable=0)
    rates = spec["strategy"]["rollingUpdate"]
    return rolling.bounds(spec["replicas"], rates["maxSurge"], rates["maxUnavailable"])


def new_set(deployment: Object, number: int, maximum: int) -> Object:
    """A ReplicaSet of no replicas for the Deployment's present template."""
    spec, metadata = deployment["spec"], deployment["metadata"]
    digest = template_hash(spec["template"], deployment.get("status", {}).get("collisionCount"))
    given = spec["template"].get("metadata") or {}
    labels = {**(given.get("labels") or {}), HASH_LABEL: digest}
    selector = {**spec["selector"], "matchLabels": {**(spec["selector"].get("matchLabels") or {}), HASH_LABEL: digest}}
    replica_set: Object = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{metadata['name']}-{digest}",
            "namespace": metadata["namespace"],
            "labels": labels,
            "ownerReferences": [reference_to(deployment)],
        },
        "spec": {
            "replicas": 0,
            "selector": selector,
            "template": {**spec["template"], "metadata": {**given, "labels": labels}},
        },
    }
    if spec.get("minReadySeconds"):
        replica_set["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    annotate(deployment, replica_set, number, maximum=maximum, exists=False)
    return replica_set


def _number(obj: Object, key: str) -> int | None:
    try:
        return int((obj["metadata"].get("annotations") or {})[key])
    except (KeyError, ValueError):
        return None


def _without_hash(template: Object) -> Object:
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH_LABEL}
    return {**template, "metadata": {**metadata, "labels": labels}}
