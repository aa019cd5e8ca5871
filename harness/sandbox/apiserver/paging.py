"""`limit`, `continue` and `resourceVersion` of a request for a list -> which objects, as of when, and where to go on.

A first page fixes the version at which all that follow are read. Once that is forgotten the answer is 410 Expired, with
a token that goes on among what is there now, as the real API has it. Source: apiserver `pkg/storage/continue.go`,
`pkg/storage/etcd3`, apimachinery `pkg/apis/meta/internalversion/validation`.
"""

from __future__ import annotations

import base64
import binascii
import json
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.field_errors import FieldErrors

if TYPE_CHECKING:
    from aiohttp import web

    from harness.sandbox.apiserver.requests import Target
    from harness.sandbox.apiserver.selectors import Selector
    from harness.sandbox.apiserver.store import Store, Stored

_TOKEN_VERSION = "meta.k8s.io/v1"
_NOW = -1
_MATCHES = ("Exact", "NotOlderThan")
_LIST_EXPIRED = "The resourceVersion for the provided list is too old."
_CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The selected objects, and the list's metadata."""

    items: list[Stored]
    metadata: dict[str, Any]


def page(store: Store, target: Target, selector: Selector, request: web.BaseRequest) -> Page:
    """The part of the collection that the request asks for. Raises: StatusError (400, 410, 422, 504)."""
    query = request.query
    limit = integer(query.get("limit", ""))
    _check(query.get("resourceVersion", ""), query.get("resourceVersionMatch", ""), query)
    version, start = _place(store, target, request, limited=limit > 0)
    items = store.items(target.resource, target.namespace, selector, at=version)
    metadata: dict[str, Any] = {"resourceVersion": str(version or store.version)}
    if start:
        items = [stored for stored in items if _key(target, stored) >= start]
    if 0 < limit < len(items) and query.get("resourceVersion") != "0":
        following = f"{_key(target, items[limit - 1])}\0"
        metadata["continue"] = _token(version or store.version, following)
        if selector.everything:
            metadata["remainingItemCount"] = len(items) - limit
        items = items[:limit]
    return Page(items=items, metadata=metadata)


def integer(text: str) -> int:
    """A whole number of a query, 0 where there is none. Raises: StatusError (400)."""
    if text and not re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII):
        raise api_errors.bad_request(f"strconv.ParseInt: parsing {json.dumps(text)}: invalid syntax")
    number = int(text or 0) if len(text) < 20 else 2**63
    if not -(2**63) <= number < 2**63:
        raise api_errors.bad_request(f"strconv.ParseInt: parsing {json.dumps(text)}: value out of range")
    return number


def version_of(text: str) -> int:
    """A resourceVersion of a request, 0 where there is none. Raises: StatusError (400)."""
    if text and not re.fullmatch("[0-9]+", text, re.ASCII):
        why = "invalid syntax"
    elif len(text) > 20 or int(text or 0) >= 2**64:
        why = "value out of range"
    else:
        return int(text or 0)
    shown = json.dumps(text)
    raise api_errors.bad_request(
        f"invalid resource version: resourceVersion: Invalid value: {shown}: strconv.ParseUint: parsing {shown}: {why}"
    )


def check_not_ahead(store: Store, version: int) -> None:
    """Raises: StatusError (504) for a version that is still to come."""
    if version > store.version:
        why = f"Too large resource version: {version}, current: {store.version}"
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        details = {"retryAfterSeconds": 1, "causes": [cause]}
        raise api_errors.StatusError(504, "Timeout", f"Timeout: {why}", details, {"Retry-After": "1"})


def _check(version: str, match: str, query: Any) -> None:
    errors = FieldErrors()
    if match:
        if not version:
            why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            errors.forbidden("resourceVersionMatch", why)
        if query.get("continue"):
            errors.forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")
        if match not in _MATCHES:
            errors.unsupported("resourceVersionMatch", match, (*_MATCHES, ""))
        if match == "Exact" and version == "0":
            why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            errors.forbidden("resourceVersionMatch", why)
    if "sendInitialEvents" in query:
        errors.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")
    if errors.causes:
        raise api_errors.invalid_options("ListOptions", errors.causes)


def _place(store: Store, target: Target, request: web.BaseRequest, *, limited: bool) -> tuple[int | None, str]:
    """As of which version to read, None for now, and from which key on."""
    query = request.query
    version = version_of(query.get("resourceVersion", ""))
    if token := query.get("continue", ""):
        pinned, start = _decoded(token)
        if query.get("resourceVersion") not in (None, "", "0"):
            raise api_errors.bad_request("specifying resource version is not allowed when using continue")
        if pinned < 0:
            return None, start
        check_not_ahead(store, pinned)
        if not store.remembers(target.resource, pinned):
            raise api_errors.expired(_CONTINUE_EXPIRED, following=_token(_NOW, start))
        return pinned, start
    check_not_ahead(store, version)
    if version and (query.get("resourceVersionMatch") == "Exact" or (limited and "resourceVersionMatch" not in query)):
        if not store.remembers(target.resource, version):
            raise api_errors.expired(_LIST_EXPIRED)
        return version, ""
    return None, ""


def _key(target: Target, stored: Stored) -> str:
    """The object's key below the collection's, as etcd has it."""
    metadata = stored.obj["metadata"]
    named = str(metadata["name"])
    return named if target.namespace or not target.resource.namespaced else f"{metadata['namespace']}/{named}"


def _token(version: int, start: str) -> str:
    text = json.dumps({"v": _TOKEN_VERSION, "rv": version, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _decoded(token: str) -> tuple[int, str]:
    """The version and the key in a token. Raises: StatusError (400)."""
    raw = _base64(token)
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise _no_key(_go_json_error(raw)) from None
    if not isinstance(body, dict):
        kind = _GO_KINDS.get(type(body), "number")
        raise _no_key(f"json: cannot unmarshal {kind} into Go value of type storage.continueToken")
    version, start = body.get("rv") or 0, body.get("start") or ""
    if body.get("v") != _TOKEN_VERSION:
        raise _no_key(f"server does not recognize this encoded version {body.get('v') or ''}")
    if type(version) is not int or not isinstance(start, str):
        raise _no_key("json: cannot unmarshal into Go value of type storage.continueToken")
    if not version:
        raise _no_key(f"incorrect encoded start resourceVersion (version {_TOKEN_VERSION})")
    if not start:
        raise _no_key(f"encoded start key empty (version {_TOKEN_VERSION})")
    key = start if start.startswith("/") else f"/{start}"
    if posixpath.normpath(key) != key or key.startswith("//"):
        raise _no_key(start)
    return version, key[1:]


_GO_KINDS = {str: "string", list: "array", bool: "bool", int: "number", float: "number"}


def _base64(token: str) -> bytes:
    wrong = re.search(r"[^A-Za-z0-9_-]", token)
    if wrong is not None or len(token) % 4 == 1:
        at = wrong.start() if wrong is not None else len(token) - 1
        raise _no_key(f"illegal base64 data at input byte {at}")
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise _no_key("illegal base64 data at input byte 0") from None


def _go_json_error(raw: bytes) -> str:
    """What Go's decoder says of bytes that are no JSON; exact where they go wrong with the first."""
    text = raw.lstrip(b" \t\r\n")
    if not text:
        return "unexpected end of JSON input"
    if text[:1] in b'{["-0123456789tfn':
        return "unexpected end of JSON input" if text[:1] in b'{["' else "invalid character after top-level value"
    first = chr(text[0])
    shown = first if first.isprintable() and first.isascii() else f"\\u{text[0]:04x}"
    return f"invalid character '{shown}' looking for beginning of value"


def _no_key(why: str) -> api_errors.StatusError:
    return api_errors.bad_request(f"invalid continue token: continue key is not valid: {why}")
