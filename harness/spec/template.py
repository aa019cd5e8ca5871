"""Two pod templates -> whether they are the same, so that going from one to the other rolls nothing."""

from __future__ import annotations

from typing import Any

from harness.spec.workload import Object

POD_TEMPLATE_HASH = "pod-template-hash"


def same_template(one: Object | None, other: Object | None) -> bool:
    """Whether two pod templates are equal but for the label that the Deployment controller adds.

    As pkg/controller/deployment/util/deployment_util.go, EqualIgnoreHash; a field that is null is absent.
    """
    return bool(_without_hash(one) == _without_hash(other))


def _without_hash(template: Object | None) -> Any:
    known: Object = _without_nulls(template or {})
    metadata: Object = known.get("metadata") or {}
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name != POD_TEMPLATE_HASH}
    return known | {"metadata": metadata | {"labels": labels}}


def _without_nulls(node: Any) -> Any:
    if isinstance(node, list | tuple):
        return [_without_nulls(item) for item in node]
    if isinstance(node, dict):
        return {key: _without_nulls(value) for key, value in node.items() if value is not None}
    return node
