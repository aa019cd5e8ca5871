"""The official client's models -> harness/sandbox/apiserver/schemas.json, the shapes of the kinds the sandbox knows.

Run it again after raising the `kubernetes` dependency or adding a kind to the sandbox's table of resources. The file
maps a type's name to its fields, and a field to its type: `string`, `integer`, `boolean`, `number`, `time`, `bytes`,
`any`, `int-or-string`, `quantity`, `Name` for another type of the file, `[T]` for a list and `{T}` for a map: what the
real API publishes as OpenAPI, without descriptions.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from kubernetes.client import models

from harness.sandbox.apiserver.resources import RESOURCES

TARGET = Path(__file__).parents[1] / "harness" / "sandbox" / "apiserver" / "schemas.json"
_SCALARS = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "datetime": "time",
    "object": "any",
    "bytes": "bytes",
}
# What the client's models do not tell apart from plain objects and strings.
_FREE = {"data", "fieldsV1", "all", "single", "basic"}
_QUANTITIES = {
    "allocatable", "allocatedResources", "capacity", "default", "defaultRequest", "divisor", "hard", "limits", "max",
    "maxLimitRequestRatio", "min", "overhead", "requests", "sizeLimit", "used",
}  # fmt: skip
_EXTRA = ("V1Scale", "V1Eviction", "V1Binding", "V1DeleteOptions")


def model_of(group: str, version: str, kind: str) -> str | None:
    """The name of the client's model for a kind, None where it has none (kinds of custom resources)."""
    short = {"": "Core", "events.k8s.io": "Events"}.get(group, group.partition(".")[0].capitalize())
    for name in (f"{version.capitalize()}{kind}", f"{short}{version.capitalize()}{kind}"):
        if hasattr(models, name):
            return name
    return None


def described(text: str) -> tuple[str, list[str]]:
    """A type of the client in the file's words, and the models it names."""
    if match := re.fullmatch(r"List\[(.+)\]", text, re.IGNORECASE):
        inner, names = described(match[1])
        return f"[{inner}]", names
    if match := re.fullmatch(r"Dict[\[(]str, ?(.+)[\])]", text, re.IGNORECASE):
        inner, names = described(match[1])
        return f"{{{inner}}}", names
    return (_SCALARS[text], []) if text in _SCALARS else (text, [text])


def refined(field: str, text: str, names: list[str]) -> tuple[str, list[str]]:
    """The type with quantities and numbers-or-strings told apart."""
    if text == "any" and field not in _FREE:
        return "int-or-string", names
    if field in _QUANTITIES and text in ("string", "{string}"):
        return text.replace("string", "quantity"), names
    return text, names


def main() -> None:
    """Writes the file."""
    kinds = {
        f"{row.api_version}/{row.kind}": name
        for row in RESOURCES
        if (name := model_of(row.group, row.version, row.kind)) is not None
    }
    waiting = [*kinds.values(), *_EXTRA, "V1ObjectMeta"]
    types: dict[str, dict[str, str]] = {}
    while waiting:
        name = waiting.pop()
        if name in types:
            continue
        model = getattr(models, name)
        types[name] = {}
        for attribute, text in model.openapi_types.items():
            field = model.attribute_map[attribute]
            types[name][field], more = refined(field, *described(text))
            waiting.extend(more)
    body = {"kinds": kinds, "types": {name: types[name] for name in sorted(types)}}
    TARGET.write_text(json.dumps(body, separators=(",", ":"), sort_keys=True) + "\n")
    print(f"{TARGET.name}: {len(kinds)} kinds, {len(types)} types, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
