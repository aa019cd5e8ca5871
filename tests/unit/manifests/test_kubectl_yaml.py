"""YAML means what kubectl takes it for: the values are what kubectl 1.35.2 printed (`annotate --local -o json`)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.manifests.kubectl_yaml import MeaningError, documents, is_more

SCALARS: tuple[tuple[str, Any], ...] = (
    # octal, hexadecimal, binary, with signs and underscores
    ("0400", 256), ("0o400", 256), ("0O17", 15), ("0x1F", 31), ("0X1F", 31), ("0b11", 3), ("-0o17", -15),
    ("-0x1F", -31), ("+0x10", 16), ("+12", 12), ("1_000", 1000), ("1__0", 10), ("0_7", 7), ("00", 0), ("-0", 0),
    # what is no octal is a decimal float, and JSON knows no difference between 8.0 and 8
    ("08", 8), ("0800", 800), ("1.", 1), ("0.0", 0), ("12e3", 12000), ("1E+3", 1000), (".1e3", 100),
    ("1.5", 1.5), (".5", 0.5), ("-.5", -0.5), ("+.5", 0.5), ("1_0.5", 10.5), ("1e-3", 0.001), ("1e1_0", 10**10),
    ("9223372036854775807", 2**63 - 1),
    # words
    ("yes", True), ("Yes", True), ("on", True), ("On", True), ("y", True), ("Y", True), ("TRUE", True),
    ("no", False), ("off", False), ("OFF", False), ("n", False), ("N", False), ("False", False),
    ("~", None), ("null", None), ("NULL", None), ("", None),
    # and what is text
    ("tRue", "tRue"), ("=", "="), ("<<", "<<"), ("2026-01-31", "2026-01-31"), ("1:30", "1:30"), ("_1", "_1"),
    ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"), ("190:20:30", "190:20:30"), ("1e", "1e"), ("0x", "0x"),
    ("0o8", "0o8"), ("0b2", "0b2"), (".e3", ".e3"), ("1e400", "1e400"), ('"0400"', "0400"), ("'yes'", "yes"),
    # tags
    ("!!str 12", "12"), ('!!int "12"', 12), ("!!float 1", 1), ('!!bool "yes"', True), ("!!binary aGk=", "hi"),
    ("!!timestamp 2026-01-31", "2026-01-31"), ("!custom bar", "bar"),
)  # fmt: skip


@pytest.mark.parametrize(("scalar", "value"), SCALARS)
def test_a_scalar_is_what_kubectl_takes_it_for(scalar: str, value: Any) -> None:
    (document,) = documents(f"v: {scalar}\n")
    assert (document["v"], type(document["v"])) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{b: 1, b: 2}", {"b": 2}),  # the last counts
        ("{1: x, y: a, on: z, 1.5: w, 0400: q}", {"1": "x", "true": "z", "1.5": "w", "256": "q"}),
        ("{a: &x {p: 1}, b: {<<: *x, q: 2}}", {"a": {"p": 1}, "b": {"p": 1, "q": 2}}),
        ("{b: {<<: [{p: 1}, {p: 3, r: 4}], q: 2}}", {"b": {"p": 1, "r": 4, "q": 2}}),
        ("{p: 1, <<: {p: 2}}", {"p": 2}),  # in the order of the file, as go-yaml v2 does it
        ("{<<: {p: 2}, p: 1}", {"p": 1}),
        ("!foo {x: 1}", {"x": 1}),
        ('{"a":\t[1,\t2]}', {"a": [1, 2]}),
    ],
)
def test_keys_are_text_and_merges_are_followed(text: str, value: Any) -> None:
    assert documents(text) == [value]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("v: .inf", "JSON has no .inf (line 1)"),
        ("a: 1\nv: .nan", "JSON has no .nan (line 2)"),
        ("~: y", "a key must be text"),
        ("[1]: 2", "a key must be text"),
        ("<<: 1", "a merge needs a mapping"),
        ("v: !!binary '*'", "not base64"),
        ("a: &x {b: *x}", "in itself"),
        ("a: [", "line 2"),
        ("a: *b", "undefined alias"),
    ],
)
def test_what_kubectl_refuses_is_refused(text: str, says: str) -> None:
    with pytest.raises(MeaningError) as error:
        documents(text)
    assert says in str(error.value)


def test_documents_are_parted_and_empty_ones_are_none() -> None:
    assert documents("# only words\n---\na: 1\n--- # more\n---\nb: 2\n") == [{"a": 1}, None, {"b": 2}]
    assert documents("") == documents("# nothing\n") == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(JSON)
def test_json_means_itself(value: Any) -> None:
    assert documents(json.dumps({"v": value})) == [{"v": value}]
    assert documents(json.dumps({"v": value}, ensure_ascii=False, indent=1) * 2) == [{"v": value}] * 2


@given(st.text(alphabet="+-._0123456789eExXoObBaAfFyYnNtrueTRUElsLS~<= :", max_size=8))
def test_a_plain_scalar_is_more_than_text_or_stays_as_it_is(text: str) -> None:
    try:
        (document,) = documents(f"v: {text}x\n")
    except MeaningError:
        return
    assert not isinstance(document["v"], str) or not is_more(document["v"])
