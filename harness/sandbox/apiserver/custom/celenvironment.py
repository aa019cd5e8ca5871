"""The functions that rules of custom kinds may use, beyond the language's own -> the environment that compiles rules.

Of Kubernetes' libraries: strings, optional values, cel.bind, math, encoders, and of its own isURL, isIP, isCIDR, find
and findAll. What is typed by a value of its own (url, ip, cidr, quantity, semver, format, authorizer) is not here.
"""

from __future__ import annotations

import ipaddress
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional, ext_strings

from harness.sandbox.apiserver.custom.patterns import pattern_of


@cache
def environment() -> Any:
    """The one environment; whatever `self` is, it is known only when a rule is evaluated."""
    extensions = [
        ext_strings.ExtStrings(),
        ext_optional.ExtOptional(),
        ext_bindings.ExtBindings(),
        ext_math.ExtMath(),
        ext_encoders.ExtEncoders(),
        cel.CelExtension("kubernetes", functions=_functions()),
    ]
    anything = dict.fromkeys(("self", "oldSelf", "rawOld"), cel.Type.DYN)
    return cel.NewEnv(variables={**anything, "hasOld": cel.Type.BOOL}, extensions=extensions)


def _functions() -> list[Any]:
    text, truth = cel.Type.STRING, cel.Type.BOOL
    tests = {"isURL": _is_url, "isIP": _is_ip, "isCIDR": _is_cidr}
    declared = [
        cel.FunctionDecl(name, [cel.Overload(f"{name}_string", return_type=truth, parameters=[text], impl=test)])
        for name, test in tests.items()
    ]
    finders = {"find": (text, _find), "findAll": (cel.Type.List(text), _find_all)}
    declared += [
        cel.FunctionDecl(
            name,
            [
                cel.Overload(
                    f"string_{name}_string", return_type=kind, parameters=[text, text], is_member=True, impl=finder
                )
            ],
        )
        for name, (kind, finder) in finders.items()
    ]
    return declared


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return text.startswith("/") or bool(parts.scheme and (parts.netloc or parts.path.startswith("/")))


def _is_ip(text: str) -> bool:
    try:
        return ipaddress.ip_address(text) is not None
    except ValueError:
        return False


def _is_cidr(text: str) -> bool:
    try:
        return "/" in text and ipaddress.ip_network(text, strict=False) is not None
    except ValueError:
        return False


def _find(text: str, pattern: str) -> str:
    found = pattern_of(pattern).search(text)
    return str(found.group()) if found is not None else ""


def _find_all(text: str, pattern: str) -> list[str]:
    return [str(found.group()) for found in pattern_of(pattern).finditer(text)]
