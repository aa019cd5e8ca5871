"""Pruning and defaulting by structural schemas."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.apiserver.custom.structural import defaulted, pruned

STRING = {"type": "string"}
PRESERVED = {"x-kubernetes-preserve-unknown-fields": True}


def spec(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}


@pytest.mark.parametrize(
    ("schema", "value", "kept", "unknown"),
    [
        (spec(a=STRING), {"a": "1", "b": 2}, {"a": "1"}, ["spec.b"]),
        (spec(l={"type": "array", "items": {"type": "object", "properties": {"a": STRING}}}),
         {"l": [{"a": "1"}, {"x": 1}]}, {"l": [{"a": "1"}, {}]}, ["spec.l[1].x"]),
        (spec(m={"type": "object", "additionalProperties": {"type": "object", "properties": {"a": STRING}}}),
         {"m": {"k": {"a": "1", "b": 1}}}, {"m": {"k": {"a": "1"}}}, ["spec.m.k.b"]),
        (spec(o={"type": "object", **PRESERVED, "properties": {"in": {"type": "object"}}}),
         {"o": {"any": {"thing": 1}, "in": {"x": 1}}}, {"o": {"any": {"thing": 1}, "in": {}}}, ["spec.o.in.x"]),
        (spec(t={"type": "object", **PRESERVED, "x-kubernetes-embedded-resource": True}),
         {"t": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}, "y": 1}},
         {"t": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}, "y": 1}}, []),
        (spec(t={"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object"}}}),
         {"t": {"kind": "X", "metadata": {"name": "n"}, "y": 1}},
         {"t": {"kind": "X", "metadata": {"name": "n"}}}, ["spec.t.y"]),
    ],
)  # fmt: skip
def test_what_a_schema_does_not_know_goes(
    schema: dict[str, Any], value: dict[str, Any], kept: dict[str, Any], unknown: list[str]
) -> None:
    head = {"apiVersion": "example.org/v1", "kind": "Shop", "metadata": {"name": "a", "labels": {"x": "y"}}}
    assert pruned({**head, "spec": value}, schema) == ({**head, "spec": kept}, unknown)


@pytest.mark.parametrize(
    ("schema", "value", "filled"),
    [
        (spec(a={**STRING, "default": "x"}), {}, {"a": "x"}),
        (spec(a={**STRING, "default": "x"}), {"a": "y"}, {"a": "y"}),
        (spec(a={**STRING, "default": "x"}), {"a": None}, {"a": "x"}),
        (spec(a={**STRING, "default": "x", "nullable": True}), {"a": None}, {"a": None}),
        (spec(a=STRING), {"a": None}, {}),
        (spec(a={**STRING, "nullable": True}), {"a": None}, {"a": None}),
        (spec(o={"type": "object", "properties": {"a": {**STRING, "default": "x"}}}), {}, {}),
        (spec(o={"type": "object", "default": {}, "properties": {"a": {**STRING, "default": "x"}}}),
         {}, {"o": {"a": "x"}}),
        (spec(l={"type": "array", "items": {"type": "object", "properties": {"p": {**STRING, "default": "TCP"}}}}),
         {"l": [{}, {"p": "UDP"}]}, {"l": [{"p": "TCP"}, {"p": "UDP"}]}),
        (spec(m={"type": "object", "additionalProperties": {**STRING, "default": "x"}}),
         {"m": {"k": None}}, {"m": {"k": "x"}}),
    ],
)  # fmt: skip
def test_defaults_fill_what_is_missing_or_null(
    schema: dict[str, Any], value: dict[str, Any], filled: dict[str, Any]
) -> None:
    assert defaulted({"spec": value}, schema) == {"spec": filled}


def test_a_default_is_not_shared_between_objects() -> None:
    schema = spec(o={"type": "object", "default": {"l": []}, **PRESERVED})
    first = defaulted({"spec": {}}, schema)
    first["spec"]["o"]["l"].append(1)
    assert defaulted({"spec": {}}, schema) == {"spec": {"o": {"l": []}}}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)
schemas = st.recursive(
    st.sampled_from([STRING, {"type": "integer", "default": 1}, {"type": "object", **PRESERVED}]),
    lambda inner: (
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(lambda of: {"type": "object", "properties": of})
        | inner.map(lambda of: {"type": "array", "items": of})
        | inner.map(lambda of: {"type": "object", "additionalProperties": of})
    ),
)


@given(value=values, schema=schemas)
def test_what_was_pruned_and_filled_once_stays_as_it_is(value: Any, schema: dict[str, Any]) -> None:
    whole = {"type": "object", "properties": {"a": schema}}
    once = defaulted(pruned({"a": value}, whole)[0], whole)
    again, unknown = pruned(once, whole)
    assert (defaulted(again, whole), unknown) == (once, [])
