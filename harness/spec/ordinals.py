"""A StatefulSet's spec and the names of its pods -> their numbers, and which of them it wants.

https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#start-ordinal
"""

from __future__ import annotations

from harness.spec.workload import Object


def ordinal(name: str) -> int | None:
    """The number of a StatefulSet's pod, from its name; None where it has none.

    >>> ordinal("web-12"), ordinal("web-8449c9bc4f-89q8p")
    (12, None)
    """
    last = name.rpartition("-")[2]
    return int(last) if last.isdecimal() else None


def first_ordinal(spec: Object) -> int:
    """The number of its first pod, from which its replicas and its partition count.

    >>> first_ordinal({"ordinals": {"start": 5}}), first_ordinal({})
    (5, 0)
    """
    return int((spec.get("ordinals") or {}).get("start") or 0)
