"""Objects as the API sends them -> objects that may become a CI artifact.

Values that may be secret become `<redacted sha256:8 hex>`: equal values stay recognisable as equal.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization", "x-api-key"})
_MANAGER = ("manager", "operation", "time")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def redacted(value: object) -> str:
    """What stands in place of a value."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return f"<redacted sha256:{hashlib.sha256(text.encode()).hexdigest()[:8]}>"


def redact(kubernetes_object: dict[str, Any]) -> dict[str, Any]:
    """The object without secrets, and of its managedFields only who, how and when; the one that is passed in stays as
    it was.

    Redacted: env[].value, Secret data, the last-applied-configuration annotation, authorization and cookie headers,
    command and args. A `sleep N` stays: it is what the preStop mitigation writes, and the judge reads its length.
    """
    secret = kubernetes_object.get("kind") == "Secret"
    cleaned: dict[str, Any] = _cleaned(kubernetes_object)
    if secret:
        for key in ("data", "stringData"):
            if isinstance(cleaned.get(key), dict):
                cleaned[key] = {name: redacted(value) for name, value in cleaned[key].items()}
    return cleaned


def _cleaned(node: Any) -> Any:
    if isinstance(node, list | tuple):
        return [_cleaned(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {str(key): _entry(str(key), value, node) for key, value in node.items() if key != "managedFields"} | (
        {"managedFields": managers} if (managers := _managers(node.get("managedFields"))) else {}
    )


def _managers(entries: Any) -> list[dict[str, Any]]:
    """Who changed an object, how and when, without what."""
    known = entries if isinstance(entries, list) else ()
    return [
        {name: entry[name] for name in _MANAGER if name in entry}
        for entry in known
        if isinstance(entry, dict) and "manager" in entry
    ]


def _entry(key: str, value: Any, owner: dict[str, Any]) -> Any:
    if key == "env" and isinstance(value, list):
        return [_without_value(item) for item in value]
    if key in ("command", "args") and isinstance(value, list):
        return list(value) if _is_sleep(value) else [redacted(word) for word in value]
    if key == _LAST_APPLIED:
        return redacted(value)
    if key == "value" and str(owner.get("name", "")).lower() in _HEADERS:
        return redacted(value)
    return _cleaned(value)


def _without_value(variable: Any) -> Any:
    if isinstance(variable, dict) and "value" in variable:
        return _cleaned(variable) | {"value": redacted(variable["value"])}
    return _cleaned(variable)


def _is_sleep(command: list[Any]) -> bool:
    return len(command) == 2 and command[0] == "sleep" and str(command[1]).isdigit()
