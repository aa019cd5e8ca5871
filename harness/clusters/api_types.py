"""A manifest and the types that Kubernetes publishes of its kind's fields -> where a value is of another type.

An API server decodes into types: a number where text belongs (`version: 1`, without quotes) is a 400 to it, wherever it
stands. The types are those by which the sandbox's server decodes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from harness.inputs.shape import FLAG, INTEGER, MOST, NUMBER, TEXT, Kind, Misfit, Place, is_whole, misfit, too_large
from harness.sandbox.apiserver.decoding import is_long, published_type, published_types
from harness.sandbox.apiserver.quantities import is_quantity

_NOT_LOOKED_AT = ("resource.k8s.io/", "apiextensions.k8s.io/")  # whose quantities and schemas have names of any kind


def _is_whole(value: Any, long: bool) -> bool:
    """Go takes a whole number with a fraction of 0 for one; kubectl, which turns YAML into JSON, leaves it out."""
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    return INTEGER.fits(whole) if long else is_whole(whole, -MOST - 1, MOST)


def _is_quantity(value: Any) -> bool:
    return NUMBER.fits(value) or (isinstance(value, str) and is_quantity(value))


def _is_base64(value: Any) -> bool:
    try:
        return bool(isinstance(value, str) and base64.b64decode("".join(value.split()), validate=True) is not None)
    except (binascii.Error, ValueError):
        return False


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


_LONG = Kind(INTEGER.words, lambda it: _is_whole(it, long=True), how=INTEGER.how)
BASE64 = Kind("text in base64 (stringData takes it as it is)", _is_base64)
_SCALARS: dict[str, Kind] = {
    "string": TEXT,
    "time": Kind("a time such as 2026-01-02T15:04:05Z", _is_time),
    "bytes": BASE64,
    "integer": Kind(INTEGER.words, lambda it: _is_whole(it, long=False), how=too_large),
    "number": NUMBER,
    "boolean": FLAG,
    "quantity": Kind("a quantity, such as 250m or 64Mi,", _is_quantity),
    "int-or-string": Kind("a whole number or text", lambda it: isinstance(it, str) or _is_whole(it, long=False)),
}


def misfits(manifest: Mapping[str, Any]) -> Iterator[Misfit]:
    """Each place of the manifest whose value is of another type than an API server takes there.

    None of a kind that is not Kubernetes' own, or of a version that is not known here. What a Secret holds is not told.

    >>> for each in misfits({"apiVersion": "v1", "kind": "ConfigMap", "data": {"port": 8080}}):
    ...     print(each)
    data.port is 8080, a number without quotes, where text is wanted
    """
    version, kind = str(manifest.get("apiVersion")), str(manifest.get("kind"))
    name = None if version.startswith(_NOT_LOOKED_AT) else published_type(version, kind)
    if name is None:
        return
    for found in _of_struct(manifest, name, ("",)):
        if kind == "Secret" and found.path.startswith(("data.", "stringData.")):
            yield Misfit(found.path, "is no base64" if found.wanted == BASE64.words else "is no text", found.wanted)
        else:
            yield found


def _of_struct(value: Any, name: str, at: Place) -> Iterator[Misfit]:
    if not isinstance(value, Mapping):
        yield misfit(at, value, "a mapping")
        return
    types = published_types()[name]
    for field, inner in value.items():
        if inner is not None and field in types:
            yield from _of_type(inner, types[field], (*at, str(field)), str(field))


def _of_type(value: Any, text: str, at: Place, field: str) -> Iterator[Misfit]:
    if text[0] == "[":
        if not isinstance(value, list):
            yield misfit(at, value, "a list")
            return
        for number, item in enumerate(value):
            if item is not None:
                yield from _of_type(item, text[1:-1], (*at, number), field)
    elif text[0] == "{":
        if not isinstance(value, Mapping):
            yield misfit(at, value, "a mapping")
            return
        for key, item in value.items():
            if item is not None:
                yield from _of_type(item, text[1:-1], (*at, str(key)), field)
    elif text[0].isupper():
        yield from _of_struct(value, text, at)
    elif (kind := _LONG if text == "integer" and is_long(field) else _SCALARS.get(text)) and not kind.fits(value):
        yield misfit(at, value, kind.words, kind.how(value))
