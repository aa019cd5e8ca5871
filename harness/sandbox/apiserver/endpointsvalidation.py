"""Endpoints -> what is wrong with them. Source: kubernetes `pkg/apis/core/validation` (ValidateEndpoints)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.apiserver.field_errors import FieldErrors
    from harness.sandbox.apiserver.store import Object

_PROTOCOLS = ("SCTP", "TCP", "UDP")


def check_endpoints(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """Every subset has addresses that can be reached, and ports with names where there are several."""
    for n, subset in enumerate(obj.get("subsets") or ()):
        at = f"subsets[{n}]"
        parts = [(part, subset.get(part) or []) for part in ("addresses", "notReadyAddresses")]
        if not any(addresses for _, addresses in parts):
            errors.required(at, "must specify `addresses` or `notReadyAddresses`")
        for part, addresses in parts:
            for m, address in enumerate(addresses):
                _address(errors, address.get("ip") or "", f"{at}.{part}[{m}].ip")
        ports = subset.get("ports") or []
        for m, port in enumerate(ports):
            _port(errors, port, f"{at}.ports[{m}]", named=len(ports) > 1)


def _address(errors: FieldErrors, text: str, at: str) -> None:
    try:
        address = ip_address(text)
    except ValueError:
        errors.invalid(at, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        return
    for wrong, why in (
        (address.is_unspecified, f"may not be unspecified ({text})"),
        (address.is_loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (address.is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
    ):
        if wrong:
            errors.invalid(at, text, why)


def _port(errors: FieldErrors, port: Object, at: str, *, named: bool) -> None:
    if not port.get("name") and named:
        errors.required(f"{at}.name")
    elif port.get("name"):
        errors.label(f"{at}.name", port["name"])
    errors.port(f"{at}.port", port.get("port") or 0)
    errors.one_of(f"{at}.protocol", port.get("protocol"), _PROTOCOLS)
