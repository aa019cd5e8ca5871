"""Sets of fields, shapes and merges: what holds for all of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sandbox.apiserver.fieldmanager import fieldsets
from harness.sandbox.apiserver.fieldmanager.comparison import compared
from harness.sandbox.apiserver.fieldmanager.fieldsets import difference, intersection, paths, read, shown, union
from harness.sandbox.apiserver.fieldmanager.merging import field_set, less, merged
from harness.sandbox.apiserver.fieldmanager.shapes import Shape, custom, published
from harness.sandbox.apiserver.fieldmanager.validation import misfits

NAMES = st.sampled_from("abc")
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=3).map(tuple), max_size=8).map(set)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "n": {"type": "integer"},
                "ports": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["port", "protocol"],
                    "items": {
                        "type": "object",
                        "properties": {
                            "port": {"type": "integer"},
                            "protocol": {"type": "string", "default": "TCP"},
                            "name": {"type": "string"},
                        },
                    },
                },
                "hosts": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "args": {"type": "array", "items": {"type": "string"}},
                "selector": {
                    "type": "object",
                    "x-kubernetes-map-type": "atomic",
                    "additionalProperties": {"type": "string"},
                },
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
        }
    },
}
WORDS = st.sampled_from("xyz")
PORT = st.fixed_dictionaries({"port": st.integers(1, 3)}, optional={"name": WORDS, "protocol": st.just("UDP")})
SPEC = st.fixed_dictionaries(
    {},
    optional={
        "n": st.integers(0, 2),
        "ports": st.lists(PORT, max_size=3, unique_by=lambda port: (port["port"], port.get("protocol", "TCP"))),
        "hosts": st.lists(WORDS, max_size=3, unique=True),
        "args": st.lists(WORDS, max_size=2),
        "selector": st.dictionaries(WORDS, WORDS, max_size=2),
        "labels": st.dictionaries(WORDS, WORDS, max_size=2),
        "free": st.dictionaries(WORDS, st.lists(WORDS, max_size=1) | WORDS, max_size=2),
    },
)
OBJECTS = SPEC.map(lambda spec: {"spec": spec})


def of(members: set[tuple[str, ...]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for path in members:
        node: dict[str, Any] = {}
        for name in reversed(path):
            node = {f"f:{name}": node}
        fields = union(fields, node)
    return fields


def members_of(fields: dict[str, Any]) -> set[tuple[str, ...]]:
    return {tuple(key[2:] for key in path) for path in paths(fields)}


@settings(deadline=None)
@given(PATHS, PATHS)
def test_sets_of_fields_are_sets(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> None:
    assert members_of(of(one)) == one
    assert members_of(union(of(one), of(other))) == one | other
    assert members_of(intersection(of(one), of(other))) == one & other
    assert members_of(difference(of(one), of(other))) == one - other
    covered = {path for path in one if any(path[: len(top)] == top for top in other)}
    assert members_of(fieldsets.without(of(one), of(other))) == one - covered
    assert read(of(one)) == of(one)


@settings(deadline=None)
@given(PATHS)
def test_every_level_is_written_in_order(one: set[tuple[str, ...]]) -> None:
    def check(level: dict[str, Any]) -> None:
        assert list(level) == sorted(level)
        for node in level.values():
            check(node)

    check(of(one))


@pytest.fixture(scope="module")
def shape() -> Shape:
    return custom(SCHEMA)


@settings(deadline=None)
@given(OBJECTS, OBJECTS)
def test_a_comparison_tells_all_that_differs_and_nothing_twice(old: dict[str, Any], new: dict[str, Any]) -> None:
    changes = compared(custom(SCHEMA), old, new)
    parts = [set(paths(part)) for part in (changes.removed, changes.modified, changes.added)]
    assert sum(len(part) for part in parts) == len(set[Any]().union(*parts))
    backwards = compared(custom(SCHEMA), new, old)
    assert (changes.removed, changes.modified, changes.added) == (
        backwards.added,
        backwards.modified,
        backwards.removed,
    )
    order = sorted_lists(old) == sorted_lists(new)
    assert (not any(parts)) == order


def sorted_lists(obj: dict[str, Any]) -> Any:
    """The object with the lists in an order of their own whose order says nothing."""
    spec = dict(obj["spec"])
    for name in ("ports", "hosts"):
        if name in spec:
            spec[name] = sorted(spec[name], key=str)
    return spec


@settings(deadline=None)
@given(OBJECTS, OBJECTS)
def test_what_is_merged_in_is_there_and_nothing_is_lost(live: dict[str, Any], config: dict[str, Any]) -> None:
    shape = custom(SCHEMA)
    assert misfits(shape, config) == ""
    both = merged(shape, live, config)
    assert merged(shape, both, config) == both
    changes = compared(shape, config, both)
    assert not intersection(field_set(shape, config), union(changes.modified, changes.removed))
    assert not compared(shape, live, both).removed
    assert misfits(shape, both) == ""


@settings(deadline=None)
@given(OBJECTS)
def test_an_object_less_all_its_fields_is_nothing(obj: dict[str, Any]) -> None:
    shape = custom(SCHEMA)
    fields = fieldsets.with_named_fields(shape, field_set(shape, obj))
    rest = less(shape, obj, fields) or {}
    # What is an empty list is in no set, so it stays; a declared field around it goes all the same.
    assert not rest or all(value in ([], {}) for value in rest.get("spec", {}).values())


def test_shapes_of_custom_schemas_know_lists_sets_and_what_is_whole(shape: Shape) -> None:
    spec = {"ports": [{"port": 1}], "hosts": ["x"], "args": ["a"], "selector": {"a": "b"}, "labels": {"l": "1"}}
    assert field_set(shape, {"spec": {**spec, "free": {"deep": [1]}}}) == {
        "f:spec": {
            "f:args": {},
            "f:free": {"f:deep": {}},
            "f:hosts": {'v:"x"': {}},
            "f:labels": {"f:l": {}},
            "f:ports": {'k:{"port":1,"protocol":"TCP"}': {".": {}, "f:port": {}}},
            "f:selector": {},
        }
    }
    assert misfits(shape, {"spec": {"unknown": 1}}) == ".spec.unknown: field not declared in schema"
    assert misfits(shape, {"spec": {"hosts": ["x", "x"]}}) == '.spec.hosts: duplicate entries for key [="x"]'


def test_elements_are_ordered_by_number_and_shown_as_people_read_them() -> None:
    ports = [{"containerPort": port} for port in (8080, 9, 80)]
    fields = field_set(published("V1Container"), {"name": "c", "ports": ports})
    assert [shown(path) for path in paths(fields) if len(path) == 2] == [
        '.ports[containerPort=9,protocol="TCP"]',
        '.ports[containerPort=80,protocol="TCP"]',
        '.ports[containerPort=8080,protocol="TCP"]',
    ]


@pytest.mark.parametrize(
    "broken",
    [
        [],
        {"x": {}},
        {"f:a": 1},
        {"k:{": {}},
        {"k:1": {}},
        {"i:x": {}},
        {"k:" + "[" * 99_999: {}},
        {"v:" + "[" * 99_999: {}},
        "f",
    ],
)
def test_what_is_no_set_is_refused(broken: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(broken)


def test_an_element_in_another_spelling_is_the_same() -> None:
    assert read({'k:{"protocol": "TCP", "port": 80}': {".": {}}, 'v: "x"': {}, "z:new": {}}) == {
        'k:{"port":80,"protocol":"TCP"}': {},
        'v:"x"': {},
    }


def test_nesting_has_an_end() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"f:a": deep}
    with pytest.raises(ValueError, match="a set of fields"):
        read(deep)
