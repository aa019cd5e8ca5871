"""An object and a merge patch (RFC 7396) or JSON patch (RFC 6902) -> the patched object."""

from __future__ import annotations

import json
from typing import Any

from jsonpatch import JsonPatch, JsonPatchException
from jsonpointer import JsonPointer, JsonPointerException

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.api_errors import shown
from harness.sandbox.apiserver.requests import DEEPEST, deeper_than

# The bounds of the real API: endpoints/handlers/patch.go and the copies that evanphx/json-patch is told to allow.
_MOST_OPERATIONS = 10_000
_LARGEST_COPIES_BYTES = 3 * 1024 * 1024
_WITH_FROM, _WITH_VALUE = ("move", "copy"), ("add", "replace", "test")


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

    Raises: StatusError: 400 where the patch is malformed, 413 where it has too many operations, 422 where it does not
        apply to this object, copies too much or nests too deep.
    """
    if not isinstance(operations, list):
        raise api_errors.bad_request("error decoding patch: a JSON patch is a list of operations")
    if len(operations) > _MOST_OPERATIONS:
        why = f"The allowed maximum operations in a JSON patch is {_MOST_OPERATIONS}, got {len(operations)}"
        raise api_errors.too_large(why)
    patches = [_decoded(operation) for operation in operations]
    patched, copied_bytes = json.loads(json.dumps(target)), 0
    for patch, operation in zip(patches, operations, strict=True):
        try:
            if operation["op"] != "copy":
                patched = patch.apply(patched, in_place=True)
                continue
            text = json.dumps(JsonPointer(operation["from"]).resolve(patched))
            copied_bytes += len(text)
            if copied_bytes > _LARGEST_COPIES_BYTES:  # copies of copies double: a short patch could fill the memory
                raise _inapplicable()
            patched = _with_copy(patched, operation["path"], json.loads(text))
        except (JsonPatchException, JsonPointerException, RecursionError, TypeError):
            raise _inapplicable() from None  # TypeError: the place after a list's end is nothing to copy
    if deeper_than(patched, DEEPEST):
        raise _inapplicable()
    return patched


def _decoded(operation: Any) -> JsonPatch:
    """One operation as a patch of its own, with the members that its kind needs; the package looks for some later."""
    try:
        patch = JsonPatch([operation])
        if operation["op"] in _WITH_FROM:
            JsonPointer(operation["from"])
        if operation["op"] in _WITH_VALUE:
            operation["value"]
    except KeyError:
        raise api_errors.bad_request(
            f"error decoding patch: an operation {shown(operation['op'])} lacks what it needs"
        ) from None
    except (JsonPatchException, JsonPointerException, TypeError):
        raise api_errors.bad_request(f"error decoding patch: {shown(operation)} is no operation") from None
    return patch


def _with_copy(target: Any, path: str, value: Any) -> Any:
    """`value` added at `path`: the package would copy it once more, item by item."""
    if not path:
        return value
    target = JsonPatch([{"op": "add", "path": path, "value": None}]).apply(target, in_place=True)
    place, last = JsonPointer(path).to_last(target)
    place[-1 if last == "-" and isinstance(place, list) else last] = value
    return target


def _inapplicable() -> api_errors.StatusError:
    """Which operation it was, and why, the real API does not tell."""
    return api_errors.StatusError(422, "Invalid", "the server rejected our request due to an error in our request")
