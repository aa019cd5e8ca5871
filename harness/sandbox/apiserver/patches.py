"""An object and a merge patch (RFC 7396) or JSON patch (RFC 6902) -> the patched object."""

from __future__ import annotations

import json
from typing import Any

from harness.sandbox.apiserver import api_errors


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def json_patch(target: Any, operations: Any) -> Any:
    """RFC 6902: add, remove, replace, move, copy, test, in order and all or nothing.

    Raises: StatusError: 400 where the patch is malformed, 422 where it does not apply to this object.
    """
    if not isinstance(operations, list):
        raise api_errors.bad_request("error decoding patch: a JSON patch is a list of operations")
    target = json.loads(json.dumps(target))
    for operation in operations:
        if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
            raise api_errors.bad_request("error decoding patch: an operation has `op` and `path`")
        target = _apply(target, operation)
    return target


def _apply(target: Any, operation: dict[str, Any]) -> Any:
    name, path = operation.get("op"), _steps(operation["path"])
    match name:
        case "add":
            return _added(target, path, _value(operation))
        case "remove":
            _removed(target, path)
            return target
        case "replace":
            _removed(target, path)
            return _added(target, path, _value(operation))
        case "move":
            return _added(target, path, _removed(target, _steps(_source(operation))))
        case "copy":
            return _added(target, path, json.loads(json.dumps(_found(target, _steps(_source(operation))))))
        case "test":
            if _found(target, path) != _value(operation):
                raise _inapplicable(f"testing value {operation['path']} failed")
            return target
        case _:
            raise api_errors.bad_request(f"error decoding patch: Unexpected kind: {name}")


def _steps(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise api_errors.bad_request(f"error decoding patch: {pointer!r} is not a JSON pointer")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _value(operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise api_errors.bad_request(f"error decoding patch: operation {operation.get('op')!r} has no value")
    return operation["value"]


def _source(operation: dict[str, Any]) -> str:
    if not isinstance(source := operation.get("from"), str):
        raise api_errors.bad_request(f"error decoding patch: operation {operation.get('op')!r} has no `from`")
    return source


def _found(target: Any, path: list[str]) -> Any:
    for step in path:
        if isinstance(target, dict) and step in target:
            target = target[step]
        elif isinstance(target, list):
            target = target[_index(target, step, len(target) - 1)]
        else:
            raise _inapplicable(f"path does not exist: /{'/'.join(path)}")
    return target


def _added(target: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, last = _found(target, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _index(parent, last, len(parent)), value)
    else:
        raise _inapplicable(f"path does not exist: /{'/'.join(path)}")
    return target


def _removed(target: Any, path: list[str]) -> Any:
    if not path:
        return target
    parent, last = _found(target, path[:-1]), path[-1]
    if isinstance(parent, dict) and last in parent:
        return parent.pop(last)
    if isinstance(parent, list):
        return parent.pop(_index(parent, last, len(parent) - 1))
    raise _inapplicable(f"unable to remove nonexistent key: {last}: missing value")


def _index(items: list[Any], step: str, highest: int) -> int:
    if not step.isascii() or not step.isdigit() or int(step) > highest:
        raise _inapplicable(f"invalid index {step!r} in a list of {len(items)}")
    return int(step)


def _inapplicable(why: str) -> api_errors.StatusError:
    return api_errors.StatusError(
        422, "Invalid", f"the server rejected our request due to an error in our request: {why}"
    )
