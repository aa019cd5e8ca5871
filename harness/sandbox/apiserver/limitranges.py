"""A new Pod and the LimitRanges of its namespace -> with their defaults, or refused where it breaks a bound.

Source: kubernetes `plugin/pkg/admission/limitranger/admission.go`, `pkg/apis/core/v1/defaults.go` (LimitRangeItem).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.quantities import amount
from harness.sandbox.apiserver.resources import LIMIT_RANGES, PODS

if TYPE_CHECKING:
    from harness.sandbox.apiserver.store import Object, Store

_CONTAINER, _POD = "Container", "Pod"
_LISTS = ("initContainers", "containers")


def keep_limits(store: Store, namespace: str, pod: Object) -> None:
    """Completes the pod's resources in place. Raises: StatusError (403)."""
    items = [
        item
        for stored in store.items(LIMIT_RANGES, namespace)
        for item in stored.obj.get("spec", {}).get("limits") or ()
    ]
    if not items:
        return
    containers = [each for kind in _LISTS for each in pod["spec"].get(kind) or ()]
    for item in items:
        if item.get("type") == _CONTAINER:
            for container in containers:
                _fill(container, item)
    broken = [words for item in items for words in _broken(item, pod, containers)]
    if broken:
        why = broken[0] if len(broken) == 1 else f"[{', '.join(broken)}]"
        raise api_errors.forbidden(PODS, str(pod["metadata"].get("name", "")), why)


def _fill(container: Object, item: Object) -> None:
    limits = {**(item.get("max") or {}), **(item.get("default") or {})}
    requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
    own = dict(container.get("resources") or {})
    wished = {**(own.get("limits") or {}), **(own.get("requests") or {})}  # the API's own default comes first
    own["limits"] = {**limits, **(own.get("limits") or {})}
    own["requests"] = {**requests, **wished}
    container["resources"] = {part: values for part, values in own.items() if values}


def _broken(item: Object, pod: Object, containers: list[Object]) -> Iterator[str]:
    kind = item.get("type")
    if kind == _CONTAINER:
        for container in containers:
            yield from _bounds(kind, item, container.get("resources") or {})
    elif kind == _POD:
        yield from _bounds(kind, item, {part: _sum(pod, part) for part in ("requests", "limits")})


def _sum(pod: Object, part: str) -> dict[str, Any]:
    total: dict[str, float] = {}
    for container in pod["spec"].get("containers") or ():
        for name, quantity in ((container.get("resources") or {}).get(part) or {}).items():
            total[name] = total.get(name, 0.0) + amount(quantity)
    return {name: str(number) for name, number in total.items()}


def _bounds(kind: str, item: Object, resources: Object) -> Iterator[str]:
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for name, least in sorted((item.get("min") or {}).items()):
        yield from _bound(
            f"minimum {name} usage per {kind} is {least}", "request", requests.get(name), amount(least), -1
        )
    for name, most in sorted((item.get("max") or {}).items()):
        yield from _bound(f"maximum {name} usage per {kind} is {most}", "limit", limits.get(name), amount(most), 1)


def _bound(words: str, part: str, found: str | None, bound: float, sign: int) -> Iterator[str]:
    if found is None:
        yield f"{words}.  No {part} is specified"
    elif sign * amount(found) > sign * bound:
        yield f"{words}, but {part} is {found}"
