"""A manifest and the fields that Kubernetes publishes of its kind -> those of its fields that no API would know.

They come from the official client's models, which know the fields of their version of Kubernetes and of those before.
What an API itself finds unknown (fieldValidation) it says in the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from kubernetes.aio import client
from kubernetes.aio.client import models

from harness.inputs.shown import near

LIST = re.compile(r"list\[(?P<inner>.+)\]", re.IGNORECASE)
MAP = re.compile(r"dict[\[(]str, ?(?P<inner>.+)[\])]", re.IGNORECASE)
"""How the models write the types of lists and of maps."""


def unknown_fields(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence for each field that its kind has not, with the one that was probably meant.

    None of a kind that is not Kubernetes' own, or of a version that is not known here.

    >>> unknown_fields({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replica": 2}})
    ('unknown field "spec.replica"; did you mean replicas?',)
    """
    model = model_of(str(manifest.get("apiVersion")), str(manifest.get("kind")))
    if model is None:
        return ()
    return tuple(f"{unknown_field(path)}{near(field, known)}" for path, field, known in _of_model(manifest, model, ""))


def unknown_field(path: str) -> str:
    """How the API calls it."""
    return f'unknown field "{path}"'


def model_of(api_version: str, kind: str) -> Any:
    """The client's model of a kind; None where it has none, or no API for that group and version."""
    group, _, version = api_version.rpartition("/")
    api = "".join(part.capitalize() for part in (group or "core").removesuffix(".k8s.io").split("."))
    if f"{api}{version.capitalize()}Api" not in _names():
        return None
    # A kind that several groups have is named after its own: CoreV1Event, EventsV1Event.
    for name in (f"{version.capitalize()}{kind}", f"{api}{version.capitalize()}{kind}"):
        if (model := getattr(models, name, None)) is not None:
            return model
    return None


@cache
def _names() -> frozenset[str]:
    """What the client has, without loading it: an API's class alone takes as long as all that a dry run does."""
    return frozenset(dir(client))


def _of_model(value: Any, model: Any, path: str) -> Iterator[tuple[str, str, list[str]]]:
    """Path and name of each field that is unknown, and what is known beside it."""
    if not isinstance(value, Mapping):
        return
    types = {field: model.openapi_types[attribute] for attribute, field in model.attribute_map.items()}
    for field, inner in value.items():
        below = f"{path}.{field}" if path else str(field)
        if field not in types:
            yield below, str(field), list(types)
        else:
            yield from _of_type(inner, types[field], below)


def _of_type(value: Any, text: str, path: str) -> Iterator[tuple[str, str, list[str]]]:
    if (found := LIST.fullmatch(text)) and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _of_type(item, found["inner"], f"{path}[{number}]")
    elif (found := MAP.fullmatch(text)) and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _of_type(item, found["inner"], f"{path}.{key}")
    elif (model := getattr(models, text, None)) is not None and hasattr(model, "attribute_map"):
        yield from _of_model(value, model, path)
