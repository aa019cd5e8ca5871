"""A `resourceFieldRef` -> the limit or request of a container in units of its divisor, rounded up.

Source: kubernetes `pkg/api/v1/resource/helpers.go` (ExtractContainerResourceValue): a limit that is not set is what the
node has to give, a request that is not set is the limit, else 0.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from harness.sandbox.apiserver.quantities import amount

if TYPE_CHECKING:
    from harness.sandbox.kubelet.records import Object

_MILLI = 1000


def resource_value(reference: Object, containers: tuple[Object, ...], own: Object | None) -> str:
    """The value as text; `own`: the container that asks, where one does.

    Raises:
        LookupError: the pod has no such container, or containers have no such resource.
    """
    named = reference.get("containerName")
    owner = next((each for each in containers if each["name"] == named), None) if named else own
    if owner is None:
        raise LookupError(f"container {named or ''} not found")
    part, _, name = str(reference["resource"]).partition(".")
    known = name in ("cpu", "memory", "ephemeral-storage") or name.startswith("hugepages-")
    if part not in ("limits", "requests") or not known:
        raise LookupError(f"unsupported container resource : {reference['resource']}")
    resources = owner.get("resources") or {}
    set_to = (resources.get(part) or {}).get(name)
    if set_to is None and part == "requests":
        set_to = (resources.get("limits") or {}).get(name)
    value = amount(set_to) if set_to is not None else _machine(name) if part == "limits" else 0.0
    divisor = amount(str(reference.get("divisor") or "1")) or 1.0
    if name == "cpu":
        return str(math.ceil(round(value * _MILLI, 3) / max(round(divisor * _MILLI), 1)))
    return str(math.ceil(math.ceil(value) / max(math.ceil(divisor), 1)))


def _machine(name: str) -> float:
    """What this machine has of it; pods are not held to limits that they do not set."""
    if name == "cpu":
        return float(os.cpu_count() or 1)
    if name == "memory":
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return 0.0
