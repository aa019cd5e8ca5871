"""The name of a format of a schema and a string -> whether it fits; a format the real API does not know fits all.

Source: apiextensions-apiserver `pkg/apiserver/validation/formats.go`, kube-openapi `pkg/validation/strfmt`.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from datetime import date, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_UUID = "[0-9a-f]{8}-?[0-9a-f]{4}-?%s[0-9a-f]{3}-?%s[0-9a-f]{3}-?[0-9a-f]{12}"
_GO_DURATION = r"[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)"
_DURATION = rf"{_GO_DURATION}|\d+\s*(ns|nano|micro|milli|second|minute|hour|day|week|[umshdw])\w*"
_PATTERNS = {
    "hostname": rf"(?i:{_LABEL}(\.{_LABEL})*\.?)",
    "mac": r"(?i:([0-9a-f]{2}[:-]){5}([0-9a-f]{2}[:-]?){1,3}|([0-9a-f]{4}\.){2,3}[0-9a-f]{4})",
    "uuid": f"(?i:{_UUID % ('[0-9a-f]', '[0-9a-f]')})",
    "uuid3": f"(?i:{_UUID % ('3', '[0-9a-f]')})",
    "uuid4": f"(?i:{_UUID % ('4', '[89ab]')})",
    "uuid5": f"(?i:{_UUID % ('5', '[89ab]')})",
    "hexcolor": "#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})",
    "ssn": r"\d{3}[- ]?\d{2}[- ]?\d{4}",
    "duration": _DURATION,
    "email": r"[^@\s]+@[^@\s]+",
    "k8sshortname": _LABEL,
    "k8slongname": rf"{_LABEL}(\.{_LABEL})*",
}


def fits(name: str, text: str) -> bool:
    """Whether `text` is of the format; hyphens in the format's name do not matter."""
    plain = name.replace("-", "")
    if plain in _PATTERNS:
        return re.fullmatch(_PATTERNS[plain], text) is not None
    reader = _READERS.get(plain)
    if reader is None:
        return True
    try:
        return reader(text) is not False
    except (ValueError, binascii.Error):
        return False


def _date_time(text: str) -> bool:
    return bool(re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d", text)) and datetime.fromisoformat(text) is not None


def _date(text: str) -> bool:
    return len(text) == 10 and date.fromisoformat(text) is not None


def _cidr(text: str) -> bool:
    return "/" in text and ipaddress.ip_network(text, strict=False) is not None


def _uri(text: str) -> bool:
    parts = urlsplit(text)
    return bool(parts.scheme) or text.startswith("/")


def _byte(text: str) -> bool:
    return len(base64.b64decode(text, validate=True)) >= 0


_READERS: dict[str, Callable[[str], object]] = {
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "cidr": _cidr,
    "uri": _uri,
    "byte": _byte,
    "datetime": _date_time,
    "date": _date,
}
