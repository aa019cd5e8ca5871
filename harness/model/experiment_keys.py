"""A place in the experiment file -> the keys that it may have, from the same JSON Schema that `schema` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from harness.model.experiment import Experiment


def keys_at(path: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that a mapping of the experiment file may have at a path, for all kinds that may stand there."""
    schema = Experiment.model_json_schema(by_alias=True)
    nodes = [schema]
    for part in path:
        nodes = [below for node in nodes for below in _below(_kinds(node, schema), part)]
    return tuple(
        dict.fromkeys(key for node in nodes for kind in _kinds(node, schema) for key in kind.get("properties", ()))
    )


def place_of(key: str) -> str:
    """Where else in the file a key of that name stands, at its top or one below: "load.pod_header"; empty where it is
    nowhere, or at several places."""
    top = keys_at(())
    found = [*(name for name in top if name == key), *(f"{name}.{key}" for name in top if key in keys_at((name,)))]
    return found[0] if len(found) == 1 else ""


def _kinds(node: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The node, or what it refers to, or each of what it may be."""
    if "$ref" in node:
        return _kinds(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in node:
        return [kind for one in node["anyOf"] for kind in _kinds(one, schema)]
    return [node]


def _below(kinds: Iterable[dict[str, Any]], part: str | int) -> Iterator[dict[str, Any]]:
    for kind in kinds:
        if isinstance(part, int):
            below = kind.get("items")
        else:
            below = kind.get("properties", {}).get(part) or kind.get("additionalProperties")
            below = below or next(iter(kind.get("patternProperties", {}).values()), None)
        if isinstance(below, dict):
            yield below
