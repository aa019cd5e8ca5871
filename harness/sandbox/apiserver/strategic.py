"""An object and a strategic merge patch -> the patched object, with lists merged by the keys Kubernetes gives them.

Directives: `$patch: replace|delete|merge`, `$deleteFromPrimitiveList/FIELD`, `$setElementOrder/FIELD`, `$retainKeys`.
Source: kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch and the x-kubernetes-patch-*
extensions of the API's OpenAPI document. A list without a merge key is replaced whole.
"""

from __future__ import annotations

from typing import Any

from harness.sandbox.apiserver import api_errors

Path = tuple[str, ...]

_POD_LISTS = {
    ("containers",): "name",
    ("initContainers",): "name",
    ("ephemeralContainers",): "name",
    ("volumes",): "name",
    ("imagePullSecrets",): "name",
    ("hostAliases",): "ip",
    ("topologySpreadConstraints",): "topologyKey",
    ("resourceClaims",): "name",
}
_CONTAINER_LISTS = {
    ("env",): "name",
    ("ports",): "containerPort",
    ("volumeMounts",): "mountPath",
    ("volumeDevices",): "devicePath",
}
_SPEC = ("spec",)
_TEMPLATES = (("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"))
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def _keys_of_pod(at: Path) -> dict[Path, str]:
    keys = {at + path: key for path, key in _POD_LISTS.items()}
    for containers in _CONTAINERS:
        keys.update({(*at, containers, *path): key for path, key in _CONTAINER_LISTS.items()})
    return keys


_COMMON: dict[Path, str] = {
    ("metadata", "ownerReferences"): "uid",
    ("status", "conditions"): "type",
}
_MERGE_KEYS: dict[str, dict[Path, str]] = {
    "Pod": {**_keys_of_pod(_SPEC), ("status", "podIPs"): "ip", ("status", "hostIPs"): "ip"},
    "Service": {("spec", "ports"): "port"},
    "ServiceAccount": {("secrets",): "name"},
    "Node": {("spec", "taints"): "key", ("status", "addresses"): "type"},
    **{kind: _keys_of_pod(_TEMPLATES[0]) for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job")},
    "CronJob": _keys_of_pod(_TEMPLATES[1]),
}
_PRIMITIVE_LISTS = (("metadata", "finalizers"),)


def strategic(kind: str, target: Any, patch: Any) -> Any:
    """`target` with `patch` applied.

    Raises: StatusError (400) where a directive is unknown or an element of a merged list lacks its key.
    """
    if not isinstance(patch, dict):
        raise api_errors.bad_request("error decoding patch: a strategic merge patch is an object")
    return _Strategy(kind).merge(target, patch, ())


class _Strategy:
    def __init__(self, kind: str) -> None:
        self._keys = {**_COMMON, **_MERGE_KEYS.get(kind, {})}

    def merge(self, target: Any, patch: dict[str, Any], at: Path) -> dict[str, Any]:
        directive = patch.get("$patch")
        if directive == "replace":
            return {key: _without_directives(value) for key, value in patch.items() if not key.startswith("$")}
        if directive == "delete":
            return {}
        if directive not in (None, "merge"):
            raise api_errors.bad_request(f"unknown patch directive: $patch: {directive!r}")
        merged = dict(target) if isinstance(target, dict) else {}
        if (retained := patch.get("$retainKeys")) is not None:
            merged = {key: value for key, value in merged.items() if key in retained}
        for key, value in patch.items():
            if not key.startswith("$"):
                self._merge_field(merged, key, value, (*at, key))
        for key, value in patch.items():
            self._apply_list_directive(merged, key, value, at)
        return merged

    def _merge_field(self, merged: dict[str, Any], key: str, value: Any, at: Path) -> None:
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            present = merged.get(key)
            if value.get("$patch") == "delete":
                merged.pop(key, None)
            else:
                merged[key] = self.merge(present, value, at)
        elif isinstance(value, list):
            merged[key] = self._merge_list(merged.get(key), value, at)
        else:
            merged[key] = value

    def _merge_list(self, target: Any, patch: list[Any], at: Path) -> list[Any]:
        present = list(target) if isinstance(target, list) else []
        if at in _PRIMITIVE_LISTS:
            return present + [item for item in patch if item not in present]
        key = self._keys.get(at)
        if key is None:
            return [_without_directives(item) for item in patch]
        if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
            kept = [item for item in patch if not (isinstance(item, dict) and item.get("$patch") == "replace")]
            return [_without_directives(item) for item in kept]
        for item in patch:
            present = self._merge_element(present, item, key, at)
        return present

    def _merge_element(self, present: list[Any], item: Any, key: str, at: Path) -> list[Any]:
        if not isinstance(item, dict) or key not in item:
            raise api_errors.bad_request(f"map: {item} does not contain declared merge key: {key}")
        places = [n for n, old in enumerate(present) if isinstance(old, dict) and old.get(key) == item[key]]
        if item.get("$patch") == "delete":
            return [old for n, old in enumerate(present) if n not in places]
        if not places:
            return [*present, self.merge({}, item, at)]
        present[places[0]] = self.merge(present[places[0]], item, at)
        return present

    def _apply_list_directive(self, merged: dict[str, Any], directive: str, value: Any, at: Path) -> None:
        name, _, field = directive.partition("/")
        if name == "$deleteFromPrimitiveList" and isinstance(merged.get(field), list):
            merged[field] = [item for item in merged[field] if item not in value]
        elif name == "$setElementOrder" and isinstance(merged.get(field), list):
            merged[field] = _ordered(merged[field], value, self._keys.get((*at, field)))


def _ordered(items: list[Any], order: Any, key: str | None) -> list[Any]:
    """Items the order names come in that order; the others keep their place relative to what stood before them."""
    if not isinstance(order, list):
        return items
    wanted = [item.get(key) if key and isinstance(item, dict) else item for item in order]

    def identity(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    named = {str(identity(item)): item for item in items if identity(item) in wanted}
    queue = [named[str(name)] for name in wanted if str(name) in named]
    return [queue.pop(0) if identity(item) in wanted and queue else item for item in items]


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_directives(item) for key, item in value.items() if not key.startswith("$")}
    if isinstance(value, list):
        return [_without_directives(item) for item in value]
    return value
