"""A new object and the ResourceQuotas of its namespace -> admitted, or refused: it exceeds one, or does not say by how
much it would.

Source: kubernetes `staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota`, `pkg/quota/v1/evaluator/core`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.quantities import amount
from harness.sandbox.apiserver.resources import PODS, RESOURCE_QUOTAS, RESOURCES

if TYPE_CHECKING:
    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Object, Store

_PLAIN_COUNTS = ("pods", "services", "configmaps", "secrets", "resourcequotas", "persistentvolumeclaims")
BY_COUNT = {f"count/{api_errors.qualified(row)}": row for row in RESOURCES} | {
    row.plural: row for row in RESOURCES if row.group == "" and row.plural in _PLAIN_COUNTS
}


_TO_BE_SAID = frozenset(f"{part}{name}" for part in ("", "requests.", "limits.") for name in ("cpu", "memory"))


def check_quota(store: Store, resource: Resource, namespace: str, obj: Object) -> None:
    """Raises: StatusError (403) where the object would take more than a quota leaves, or does not say what it takes."""
    for quota in store.items(RESOURCE_QUOTAS, namespace):
        hard = quota.obj.get("spec", {}).get("hard") or {}
        scoped = quota.obj["spec"].get("scopes") or quota.obj["spec"].get("scopeSelector")
        if resource is PODS and not scoped and (unsaid := _unsaid(hard, obj.get("spec", {}))):
            why = f"failed quota: {quota.obj['metadata']['name']}: must specify {unsaid}"
            raise api_errors.forbidden(resource, obj["metadata"]["name"], why)
        asked = {key: wanted for key in hard if (wanted := usage_of(key, resource, obj))}
        used = {key: used_of(store, namespace, key) for key in asked}
        over = [key for key in sorted(asked) if used[key] + asked[key] > amount(hard[key])]
        if over:
            name = quota.obj["metadata"]["name"]
            parts = (
                ("requested", {key: written(key, asked[key]) for key in over}),
                ("used", {key: written(key, used[key]) for key in over}),
                ("limited", {key: hard[key] for key in over}),
            )
            listed = ", ".join(
                f"{word}: {','.join(f'{key}={value}' for key, value in values.items())}" for word, values in parts
            )
            raise api_errors.forbidden(resource, obj["metadata"]["name"], f"exceeded quota: {name}, {listed}")


def _unsaid(hard: Object, pod: Object) -> str:
    """What a pod must say of its containers where a quota counts it, such as `limits.cpu for: web`; empty if it does.

    What the pod as a whole asks for need not be said of its containers.
    """
    missing = []
    for key in sorted(_TO_BE_SAID & hard.keys()):
        part, _, name = key.rpartition(".")
        every = (*(pod.get("containers") or ()), *(pod.get("initContainers") or ()))
        silent = {each["name"] for each in every if not _says(each, part or "requests", name)}
        if silent and not _says(pod, part or "requests", name):
            missing.append(f"{key} for: {','.join(sorted(silent))}")
    return "; ".join(missing)


def _says(asking: Object, part: str, name: str) -> bool:
    return name in ((asking.get("resources") or {}).get(part) or {})


def used_of(store: Store, namespace: str, key: str) -> float:
    """How much of a quota's key the namespace's objects take."""
    rows = (BY_COUNT[key],) if key in BY_COUNT else (PODS,)
    return sum(usage_of(key, row, stored.obj) for row in rows for stored in store.items(row, namespace))


def usage_of(key: str, resource: Resource, obj: Object) -> float:
    """How much of a quota's key one object takes: 1 of a count; of pods that have not ended also cpu and memory."""
    ended = resource is PODS and obj.get("status", {}).get("phase") in ("Succeeded", "Failed")
    if key in BY_COUNT:
        return float(BY_COUNT[key] is resource and not (ended and key == "pods"))
    if resource is not PODS or ended:
        return 0.0
    part, _, name = key.rpartition(".")
    part = part or "requests"
    containers = obj.get("spec", {}).get("containers") or ()
    wanted = ((item.get("resources") or {}).get(part) or {} for item in containers)
    return sum(amount(each[name]) for each in wanted if name in each)


def written(key: str, number: float) -> str:
    """A number as a quantity."""
    if "cpu" in key and number != int(number):
        return f"{round(number * 1000)}m"
    return str(int(number))
