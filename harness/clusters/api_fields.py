"""A manifest and the fields that Kubernetes publishes of its kind -> those of its fields that no API would know.

A cluster leaves them out and warns; kubectl, which asks for it (`--validate`), has the manifest refused. They are told
in the words of the API. The fields are those of the newest version that is known here, and of those before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.inputs.shown import near
from harness.model.refusal import Refusal
from harness.sandbox.apiserver.decoding import published_type, published_types


def unknown_fields(manifest: Mapping[str, Any]) -> tuple[Refusal, ...]:
    """A sentence for each field that its kind has not, with the one that was probably meant.

    None of a kind that is not Kubernetes' own, or of a version that is not known here.

    >>> [str(each) for each in unknown_fields({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replica": 2}})]
    ['unknown field "spec.replica"; did you mean replicas?']
    """
    name = published_type(str(manifest.get("apiVersion")), str(manifest.get("kind")))
    return () if name is None else tuple(_of_struct(manifest, name, ""))


def _of_struct(value: Any, name: str, path: str) -> Iterator[Refusal]:
    if not isinstance(value, Mapping):
        return
    types = published_types()[name]
    for field, inner in value.items():
        below = f"{path}.{field}" if path else str(field)
        if str(field).startswith("$"):  # a directive of a patch, to what merges it: `$patch: delete`
            continue
        if field not in types:
            yield Refusal(field=below, words=f'unknown field "{below}"{near(str(field), types)}')
        else:
            yield from _of_type(inner, types[field], below)


def _of_type(value: Any, text: str, path: str) -> Iterator[Refusal]:
    if text[0] == "[" and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _of_type(item, text[1:-1], f"{path}[{number}]")
    elif text[0] == "{" and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _of_type(item, text[1:-1], f"{path}.{key}")
    elif text[0].isupper():
        yield from _of_struct(value, text, path)
