"""An object and a merge patch (RFC 7396) or JSON patch (RFC 6902) -> the patched object."""

from __future__ import annotations

import json
from typing import Any

from jsonpatch import JsonPatch, JsonPatchException, JsonPatchPathNotFound, JsonPatchTestFailed
from jsonpointer import JsonPointer, JsonPointerException

from harness.sandbox.apiserver import api_errors
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
            if operation["op"] == "copy":
                copied_bytes += _size_bytes(JsonPointer(operation["from"]).resolve(patched))
                _check_copies(copied_bytes)
            patched = patch.apply(patched, in_place=True)
        except (JsonPatchException, JsonPointerException) as error:
            raise _inapplicable(_why(operation, error)) from None
        except RecursionError:
            raise _too_deep() from None
    if deeper_than(patched, DEEPEST):
        raise _too_deep()
    return patched


def _decoded(operation: Any) -> JsonPatch:
    """One operation as a patch of its own, with the members that its kind needs; the package looks for some later."""
    try:
        patch = JsonPatch([operation])
        if operation["op"] in _WITH_FROM:
            JsonPointer(operation["from"])
        if operation["op"] in _WITH_VALUE:
            operation["value"]
    except KeyError as error:
        raise api_errors.bad_request(f"error decoding patch: operation {operation['op']!r} has no {error}") from None
    except (JsonPatchException, JsonPointerException, TypeError) as error:
        raise api_errors.bad_request(f"error decoding patch: {error}") from None
    return patch


def _size_bytes(value: Any) -> int:
    return len(json.dumps(value, default=str))  # the place after a list's end is no JSON; copying it fails later


def _check_copies(copied_bytes: int) -> None:
    """Copies of copies double: a short patch could fill the memory."""
    if copied_bytes > _LARGEST_COPIES_BYTES:
        raise _inapplicable(
            f"Unable to complete the copy, the accumulated size increase of copy is {copied_bytes}, "
            f"exceeding the limit {_LARGEST_COPIES_BYTES}"
        )


def _why(operation: dict[str, Any], error: Exception) -> str:
    """In evanphx/json-patch's words, which carry no part of the object."""
    if isinstance(error, JsonPatchTestFailed):
        return f"testing value {operation['path']} failed: test failed"
    why = str(error)
    if isinstance(error, JsonPatchPathNotFound | JsonPointerException):
        path = operation["from"] if operation["op"] in _WITH_FROM else operation["path"]
        why = f"doc is missing path: {path}: missing value"
    return f"{operation['op']} operation does not apply: {why}"


def _too_deep() -> api_errors.StatusError:
    return _inapplicable(f"the object would be nested more than {DEEPEST} levels deep")


def _inapplicable(why: str) -> api_errors.StatusError:
    message = f"the server rejected our request due to an error in our request: {why}"
    return api_errors.StatusError(422, "Invalid", message)
