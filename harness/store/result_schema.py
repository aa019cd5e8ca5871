"""The records of a result -> the JSON Schema of result.json, as `store/results.py` lays it out."""

from __future__ import annotations

from typing import Any, Final

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def result_schema() -> Schema:
    """Of a scenario's result.json and of an experiment's. What a later version adds is allowed."""
    from pydantic import TypeAdapter  # half a second, which no other command needs

    from harness.model.result import ScenarioResult
    from harness.store.results import NOT_TOLD

    scenario: Schema = TypeAdapter(ScenarioResult).json_schema(mode="serialization")
    defined = scenario.pop("$defs")
    _without(scenario, *NOT_TOLD)
    _flatten_rollout(defined)
    _rename(defined["Lag"], "since", "from")
    _without(defined["Measured"], "words")
    for name in ("propagation", "sizing"):  # empty objects where there is nothing to say
        scenario["properties"][name] = {"anyOf": [scenario["properties"][name], {"type": "object", "maxProperties": 0}]}
    defined["ScenarioResult"] = scenario
    defined["ExperimentResult"] = {
        "type": "object",
        "title": "ExperimentResult",
        "required": ["experiment", "exit_code", "notes", "comparisons", "scenarios"],
        "properties": {
            "experiment": {"type": "string"},
            "exit_code": {"enum": [0, 1, 3]},
            "notes": {"type": "array", "items": {"type": "string"}},
            "comparisons": {"type": "array", "items": {"type": "object"}},
            "scenarios": {"type": "array", "items": {"$ref": "#/$defs/ScenarioResult"}},
        },
    }
    used = _reached(defined, ["ScenarioResult", "ExperimentResult"])
    return {
        "$schema": DIALECT,
        "title": "result.json of a scenario or of an experiment",
        "type": "object",
        "if": {"required": ["scenarios"]},
        "then": {"$ref": "#/$defs/ExperimentResult"},
        "else": {"$ref": "#/$defs/ScenarioResult"},
        "$defs": {name: defined[name] for name in sorted(used)},
    }


def _without(schema: Schema, *names: str) -> None:
    for name in names:
        schema["properties"].pop(name, None)
    schema["required"] = [name for name in schema.get("required", ()) if name not in names]


def _rename(schema: Schema, old: str, new: str) -> None:
    schema["properties"][new] = schema["properties"].pop(old)
    schema["required"] = [new if name == old else name for name in schema["required"]]


def _flatten_rollout(defined: Schema) -> None:
    """A rollout has its window's numbers beside its own."""
    rollout, window = defined["RolloutFindings"], defined["Window"]
    _without(rollout, "window", "own_failures")
    rollout["properties"] |= window["properties"]
    rollout["required"] += window["required"]


def _reached(defined: Schema, names: list[str]) -> set[str]:
    """The definitions that these refer to, and they themselves."""
    found: set[str] = set()
    waiting: list[Any] = [{"$ref": f"#/$defs/{name}"} for name in names]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            name = str(one.get("$ref", "")).removeprefix("#/$defs/")
            if name and name not in found:
                found.add(name)
                waiting.append(defined[name])
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return found
