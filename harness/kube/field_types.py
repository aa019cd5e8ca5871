"""A manifest and the types that Kubernetes publishes of its kind's fields -> where a value is of another type.

An API server decodes into types: a number where text belongs (`version: 1`, without quotes) is a 400 to it, wherever it
stands. The types are those of the official client's models, as in `kube.fields`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kubernetes.aio.client import models

from harness.inputs.shape import FLAG, INTEGER, NUMBER, TEXT, Kind, Misfit, Place, misfit
from harness.kube.fields import LIST, MAP, model_of

_QUANTITY = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]?|[eE][+-]?\d+)")
_QUANTITIES = frozenset(
    {
        "allocatable", "allocatedResources", "averageValue", "capacity", "default", "defaultRequest", "divisor", "hard",
        "limits", "max", "maxLimitRequestRatio", "min", "overhead", "podFixed", "requests", "sizeLimit", "used",
    }
)  # fmt: skip
"""The fields of quantities, which the models have as text; with a number an API server takes them too."""
_OF_METRICS = ("V2MetricTarget", "V2MetricValueStatus")
_NOT_LOOKED_AT = ("resource.k8s.io/", "apiextensions.k8s.io/")  # whose quantities and schemas have names of any kind

# Go takes a whole number with a fraction of 0 for none; kubectl, which turns YAML into JSON, leaves that fraction out.
_WHOLE = Kind(
    INTEGER.words, lambda it: INTEGER.fits(it) or (isinstance(it, float) and it.is_integer()), how=INTEGER.how
)


def _is_quantity(value: Any) -> bool:
    return NUMBER.fits(value) or (isinstance(value, str) and _QUANTITY.fullmatch(value) is not None)


def _is_base64(value: Any) -> bool:
    try:
        return bool(isinstance(value, str) and base64.b64decode("".join(value.split()), validate=True) is not None)
    except (binascii.Error, ValueError):
        return False


QUANTITY = Kind("a quantity, such as 250m or 64Mi,", _is_quantity)
BASE64 = Kind("text in base64 (stringData takes it as it is)", _is_base64)
_SCALARS: dict[str, Kind] = {
    "str": TEXT,
    "datetime": TEXT,
    "bytes": BASE64,
    "int": _WHOLE,
    "float": NUMBER,
    "bool": FLAG,
}


def mistyped(manifest: Mapping[str, Any]) -> Misfit | None:
    """The first place of the manifest whose value is of another type than an API server takes there.

    None of a kind that is not Kubernetes' own, or of a version that is not known here. What a Secret holds is not told.

    >>> print(mistyped({"apiVersion": "v1", "kind": "ConfigMap", "data": {"port": 8080}}))
    data.port is 8080, a number without quotes, where text is wanted
    """
    version, kind = str(manifest.get("apiVersion")), str(manifest.get("kind"))
    model = None if version.startswith(_NOT_LOOKED_AT) else model_of(version, kind)
    if model is None:
        return None
    found = next(_of_model(manifest, model, ("",)), None)
    if found is not None and kind == "Secret" and found.path.startswith(("data.", "stringData.")):
        return Misfit(found.path, "is none" if found.wanted == BASE64.words else "is no text", found.wanted)
    return found


def _of_model(value: Any, model: Any, at: Place) -> Iterator[Misfit]:
    if not isinstance(value, Mapping):
        yield misfit(at, value, "a mapping")
        return
    types = {field: model.openapi_types[attribute] for attribute, field in model.attribute_map.items()}
    for field, inner in value.items():
        if inner is not None and field in types:
            yield from _of_type(inner, types[field], (*at, str(field)), _scalars(model.__name__, str(field)))


def _scalars(model: str, field: str) -> Callable[[str], Kind | None]:
    """What a scalar of a published type has to be in this field; None where it may be anything."""
    is_quantity = field in _QUANTITIES or (model in _OF_METRICS and field == "value")
    if model == "V1Secret" and field == "data":
        return lambda _: BASE64
    return lambda text: QUANTITY if is_quantity and text == "str" else _SCALARS.get(text)


def _of_type(value: Any, text: str, at: Place, scalars: Callable[[str], Kind | None]) -> Iterator[Misfit]:
    if found := LIST.fullmatch(text):
        if not isinstance(value, list):
            yield misfit(at, value, "a list")
            return
        for number, item in enumerate(value):
            if item is not None:
                yield from _of_type(item, found["inner"], (*at, number), scalars)
    elif found := MAP.fullmatch(text):
        if not isinstance(value, Mapping):
            yield misfit(at, value, "a mapping")
            return
        for key, item in value.items():
            if item is not None:
                yield from _of_type(item, found["inner"], (*at, str(key)), scalars)
    elif kind := scalars(text):
        if not kind.fits(value):
            yield misfit(at, value, kind.words, kind.how(value))
    elif (model := getattr(models, text, None)) is not None and hasattr(model, "attribute_map"):
        yield from _of_model(value, model, at)
