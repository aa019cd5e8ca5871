"""A node's taints and a pod's tolerations -> what is not tolerated, and for how long the rest is.

Source: kubernetes `staging/src/k8s.io/component-helpers/scheduling/corev1/helpers.go`,
`staging/src/k8s.io/api/core/v1/toleration.go`, and `getMinTolerationTime` of `pkg/controller/tainteviction`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.apiclient import Object


def tolerates(toleration: Object, taint: Object) -> bool:
    """Whether one toleration covers the taint; one without a key covers every key, one without an effect every effect.

    >>> taint = {"key": "gpu", "value": "a100", "effect": "NoSchedule"}
    >>> tolerates({"key": "gpu", "operator": "Exists"}, taint), tolerates({"key": "gpu", "value": "v100"}, taint)
    (True, False)
    """
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("key") not in (None, "", taint["key"]):
        return False
    return toleration.get("operator") == "Exists" or (toleration.get("value") or "") == (taint.get("value") or "")


def untolerated(tolerations: Iterable[Object], taints: Iterable[Object]) -> list[Object]:
    """The taints that none of the tolerations covers."""
    known = list(tolerations)
    return [taint for taint in taints if not any(tolerates(item, taint) for item in known)]


def tolerated_for_s(tolerations: Iterable[Object], taints: Iterable[Object]) -> float:
    """For how long a pod may stay on a node with these taints: 0 where it must go, infinite where it may stay.

    >>> taint = {"key": "gone", "effect": "NoExecute"}
    >>> tolerated_for_s([{"key": "gone", "operator": "Exists", "tolerationSeconds": 30}], [taint])
    30.0
    """
    known, present = list(tolerations), list(taints)
    if untolerated(known, present):
        return 0.0
    used = [item for item in known if any(tolerates(item, taint) for taint in present)]
    bounds = [item["tolerationSeconds"] for item in used if item.get("tolerationSeconds") is not None]
    return max(float(min(bounds)), 0.0) if bounds else math.inf
