"""An object and a strategic merge patch -> the patched object, with lists merged by the keys Kubernetes gives them.

Directives: `$patch: replace|delete|merge`, `$deleteFromPrimitiveList/FIELD`, `$setElementOrder/FIELD`, `$retainKeys`.
The keys are those of the published types, x-kubernetes-patch-strategy and x-kubernetes-patch-merge-key of the API's
OpenAPI documents. A list without a strategy is replaced whole. Source: apimachinery `pkg/util/strategicpatch`.
"""

from __future__ import annotations

from typing import Any

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.api_errors import shown
from harness.sandbox.apiserver.decoding import schemas


def strategies(type_name: str, field: str) -> tuple[str, ...]:
    """How patches treat a field of a type: some of merge, replace and retainKeys; none where a list is replaced."""
    return tuple(filter(None, _row(type_name, field)[0].split(",")))


def merge_key(type_name: str, field: str) -> str:
    """The field by which the objects of a merged list are told apart; empty where it has none."""
    return _row(type_name, field)[1]


def strategic(type_name: str, target: Any, patch: Any) -> Any:
    """`target`, an object of a published type, with `patch` applied.

    Raises: StatusError (400) where a directive is unknown or an element of a merged list lacks its key.
    """
    if not isinstance(patch, dict):
        raise api_errors.bad_request("error decoding patch: a strategic merge patch is an object")
    return _merged(type_name, target, patch)


def _row(type_name: str, field: str) -> tuple[str, str]:
    listed, _, key = schemas()["patches"].get(type_name, {}).get(field, "").partition(" ")
    return listed, key


def _inner(type_name: str, field: str) -> str:
    """The type of a field, or of what its list or map holds; a name that no type has where there is none."""
    text: str = schemas()["types"].get(type_name, {}).get(field, "any")
    return text.strip("[]{}")


def _merged(kind: str, target: Any, patch: dict[str, Any]) -> dict[str, Any]:
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: _without_directives(value) for key, value in patch.items() if not key.startswith("$")}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise api_errors.bad_request(f"unknown patch directive: $patch: {shown(directive)}")
    merged = dict(target) if isinstance(target, dict) else {}
    if (retained := patch.get("$retainKeys")) is not None:
        merged = {key: value for key, value in merged.items() if key in _listed("$retainKeys", retained)}
    for field, value in patch.items():
        if not field.startswith("$"):
            _check_order(kind, field, value, patch.get(f"$setElementOrder/{field}"))
            _merge_field(kind, merged, field, value)
    for directive, value in patch.items():
        _apply_list_directive(kind, merged, directive, value)
    return merged


def _merge_field(kind: str, merged: dict[str, Any], field: str, value: Any) -> None:
    if value is None or (isinstance(value, dict) and value.get("$patch") == "delete"):
        merged.pop(field, None)
    elif isinstance(value, dict) and "replace" in strategies(kind, field):
        merged[field] = _without_directives(value)
    elif isinstance(value, dict):
        merged[field] = _merged(_inner(kind, field), merged.get(field), value)
    elif isinstance(value, list):
        merged[field] = _merged_list(kind, field, merged.get(field), value)
    else:
        merged[field] = value


def _merged_list(kind: str, field: str, target: Any, patch: list[Any]) -> list[Any]:
    present, key = list(target) if isinstance(target, list) else [], merge_key(kind, field)
    if "merge" not in strategies(kind, field):
        return [_without_directives(item) for item in patch]
    if not key:
        return present + [item for item in patch if item not in present]
    kept = [item for item in patch if not (isinstance(item, dict) and item.get("$patch") == "replace")]
    if len(kept) < len(patch):
        return [_without_directives(item) for item in kept]
    for item in patch:
        present = _with_element(_inner(kind, field), present, item, key)
    return present


def _with_element(kind: str, present: list[Any], item: Any, key: str) -> list[Any]:
    if not isinstance(item, dict) or key not in item:
        raise api_errors.bad_request(f"map: {shown(item)} does not contain declared merge key: {key}")
    places = [n for n, old in enumerate(present) if isinstance(old, dict) and old.get(key) == item[key]]
    if item.get("$patch") == "delete":
        return [old for n, old in enumerate(present) if n not in places]
    if not places:
        return [*present, _merged(kind, {}, item)]
    present[places[0]] = _merged(kind, present[places[0]], item)
    return present


def _apply_list_directive(kind: str, merged: dict[str, Any], directive: str, value: Any) -> None:
    name, _, field = directive.partition("/")
    if name == "$deleteFromPrimitiveList" and isinstance(merged.get(field), list):
        merged[field] = [item for item in merged[field] if item not in _listed(directive, value)]
    elif name == "$setElementOrder" and isinstance(merged.get(field), list):
        merged[field] = _ordered(merged[field], _listed(directive, value), merge_key(kind, field))


def _check_order(kind: str, field: str, items: Any, order: Any) -> None:
    """What a patch changes in a list stands in it as in the order that the patch gives. Raises: StatusError (422)."""
    if not isinstance(items, list) or order is None:
        return
    key = merge_key(kind, field)
    wanted = iter([_identity(item, key) for item in _listed(f"$setElementOrder/{field}", order)])
    kept = [item for item in items if not (isinstance(item, dict) and "$patch" in item)]
    if not all(any(_identity(item, key) == name for name in wanted) for item in kept):
        why = f"the order in patch list:\n{shown(items)}\n doesn't match $setElementOrder list:\n{shown(order)}"
        raise api_errors.StatusError(422, "Invalid", why)


def _identity(item: Any, key: str) -> Any:
    return item.get(key) if key and isinstance(item, dict) else item


def _listed(directive: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise api_errors.bad_request(f"unable to parse the patch: {directive} is a list, not {shown(value)}")
    return value


def _ordered(items: list[Any], order: list[Any], key: str) -> list[Any]:
    """Items the order names come in that order; the others keep their place relative to what stood before them."""
    wanted = [_identity(item, key) for item in order]
    named = {str(_identity(item, key)): item for item in items if _identity(item, key) in wanted}
    queue = [named[str(name)] for name in wanted if str(name) in named]
    return [queue.pop(0) if _identity(item, key) in wanted and queue else item for item in items]


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_directives(item) for key, item in value.items() if not key.startswith("$")}
    if isinstance(value, list):
        return [_without_directives(item) for item in value]
    return value
