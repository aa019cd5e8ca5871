"""The JSON Schema of the experiment file -> its reference: a table for the file, and one for every record in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from harness.model.duration import duration
from harness.model.experiment import Experiment

Schema = dict[str, Any]

HEAD = """# The experiment file

Made by `make reference` of the schema that `rollout-harness schema` prints; never edited by hand. Unknown keys are
refused, paths are relative to the file, and durations have a unit: `500ms`, `5s`, `1m30s`. `rollout-harness run FILE
--dry-run` says what is wrong with a file, and what would be done, without a cluster.

```yaml
version: 1
name: shop
manifests: [deploy/shop.yaml]
target: deployment/shop
service: {name: shop, port: 80}
update: {image: {shop: ["shop:1.2", "shop:1.1"]}}
rollouts: 10
request: {path: /healthz}
load: {new: {rate: 100}, kept: {rate: 50, connections: 10}}
variants:
  as-it-is: {expect: any}
  mitigated: {mitigations: [{prestop: 5s}, {min-ready: 5s}]}
```

An editor that knows JSON Schema completes and checks the file as it is written:

```console
$ rollout-harness schema > experiment.schema.json
```
"""

MORE = {
    "manifests": "[staging](staging.md)",
    "path": "[paths](paths.md)",
    "kind": "[kind](kind.md)",
    "k3s": "[k3s](k3s.md)",
    "images": "[images](sandbox.md#images)",
    "workers": "[scale](scale.md)",
    "gates": "[gates](gates.md)",
    "confidence": "[statistics](verdict.md#statistics)",
    "expect": "[verdicts](verdict.md)",
}


def experiment() -> str:
    """The page."""
    schema = Experiment.model_json_schema(by_alias=True)
    records = schema["$defs"]
    keys = _keys(schema, records)
    parts = [HEAD, "## The file\n", *_table(schema, records, keys)]
    for name, key in keys.items():
        record = records[name]
        if "properties" in record:
            words = _sentences(record.get("description", ""))
            parts += [f"\n## {key}\n", f"{words}\n", *_table(record, records, keys)]
    return "\n".join(parts).rstrip() + "\n"


def _keys(schema: Schema, records: dict[str, Schema]) -> dict[str, str]:
    """Each record, as a reader comes upon them, with the key that takes it: "load.kept", "variants.NAME"."""
    found: dict[str, str] = {}

    def visit(record: Schema, before: str) -> None:
        for key, prop in record.get("properties", {}).items():
            names = re.findall(r"#/\$defs/(\w+)", json.dumps(prop))
            for name in (name for name in names if name not in found):
                found[name] = f"{before}{key}{'.NAME' if _of_names(prop) else ''}"
                visit(records[name], f"{found[name]}.")

    visit(schema, "")
    return found


def _of_names(prop: Schema) -> bool:
    """Whether it is a mapping whose keys are the user's own."""
    return any(isinstance(prop.get(key), dict) for key in ("additionalProperties", "patternProperties"))


def _table(record: Schema, records: dict[str, Schema], keys: dict[str, str]) -> Iterator[str]:
    yield "| key | value | without it | what it is |"
    yield "|---|---|---|---|"
    for key, prop in record["properties"].items():
        words = prop.get("description") or _record_words(prop, records)
        more = f" ({MORE[key]})" if key in MORE else ""
        yield f"| `{key}` | {_value(prop, records, keys)} | {_default(key, prop, record)} | {_cell(words)}{more} |"


def _record_words(prop: Schema, records: dict[str, Schema]) -> str:
    """What the record says of itself that the key takes."""
    named = re.findall(r"#/\$defs/(\w+)", json.dumps(prop))
    words: str = records[named[0]].get("description", "") if named else ""
    return words.partition("\n")[0].rstrip(".")


def _value(prop: Schema, records: dict[str, Schema], keys: dict[str, str]) -> str:
    kinds = [one for one in prop.get("anyOf", [prop]) if one.get("type") != "null"]
    return " or ".join(dict.fromkeys(_kind(one, records, keys) for one in kinds))


def _kind(prop: Schema, records: dict[str, Schema], keys: dict[str, str]) -> str:
    if "$ref" in prop:
        name = prop["$ref"].rpartition("/")[2]
        key = keys[name]
        return _kind(records[name], records, keys) if "enum" in records[name] else f"[{key}](#{_anchor(key)})"
    if "const" in prop:
        return f"`{_plain(prop['const'])}`"
    if "enum" in prop:
        return ", ".join(f"`{one}`" for one in prop["enum"])
    if "examples" in prop:
        return "duration"
    if prop.get("type") == "array":
        return f"list of {_value(prop['items'], records, keys)}"
    if prop.get("type") == "object":
        return _mapping(prop, records, keys)
    return _scalar(prop)


def _anchor(key: str) -> str:
    return re.sub(r"[^\w-]", "", key.lower())


def _mapping(prop: Schema, records: dict[str, Schema], keys: dict[str, str]) -> str:
    of = prop.get("additionalProperties") or next(iter(prop.get("patternProperties", {}).values()), None)
    if prop.get("maxProperties") == 0:
        return "`{}`"
    return f"mapping of names to {_value(of, records, keys)}" if isinstance(of, dict) else "mapping"


def _scalar(prop: Schema) -> str:
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    name = "path" if prop.get("format") == "path" else names[prop["type"]]
    low, high = prop.get("minimum", prop.get("ge")), prop.get("maximum", prop.get("le"))
    above, below = prop.get("exclusiveMinimum"), prop.get("exclusiveMaximum")
    bounds = [
        f"above {above:g}" if above is not None else f"{low:g} or more" if low is not None and high is None else "",
        f"below {below:g}" if below is not None else f"up to {high:g}" if high is not None and low is None else "",
        f"{low:g} to {high:g}" if low is not None and high is not None and above is None else "",
    ]
    said = " and ".join(bound for bound in bounds[:2] if bound) or bounds[2]
    return f"{name}, {said}" if said else name


def _default(key: str, prop: Schema, record: Schema) -> str:
    if key in record.get("required", ()):
        return "*needed*"
    value = prop.get("default")
    if value in (None, [], {}) or "default" not in prop:
        return ""
    if isinstance(value, float) and _is_duration(prop):
        return f"`{duration(value)}`"
    return f"`{_flow(value)}`"


def _is_duration(prop: Schema) -> bool:
    return any("examples" in one for one in prop.get("anyOf", [prop]))


def _flow(value: Any) -> str:
    """A value as YAML has it on one line, without what is null or empty."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_flow(v)}" for k, v in value.items() if v not in (None, [], {})) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(one) for one in value) + "]"
    return f'"{value}"' if isinstance(value, str) and "*" in value else _plain(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _sentences(text: str) -> str:
    """Paragraphs, without what indents them."""
    return re.sub(r"\s*\n\s*\n\s*", "\n\n", "\n".join(line.strip() for line in text.splitlines()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
