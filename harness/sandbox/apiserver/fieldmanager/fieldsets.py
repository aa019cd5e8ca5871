"""Sets of fields, kept as the FieldsV1 that the API shows -> unions, differences, and the paths that people read.

A set is a dictionary of elements: `f:NAME` a field, `k:{...}` the element of a list with these keys, `v:...` an element
of a set, `i:N` a place. Under each stands what of it is in the set: nothing where it alone is, the element `.` and its
children where both are, its children where only they are. Sets are never changed, only made anew: they share branches.
Each level is in the order in which it is written.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.fieldmanager.shapes import Form, compact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.sandbox.apiserver.fieldmanager.shapes import Shape

FieldSet = dict[str, Any]
Path = tuple[str, ...]

SELF = "."
_LEAF: FieldSet = {}
_MOST_LEVELS = 200


def is_member(node: FieldSet) -> bool:
    """Whether the field at this node is itself in the set."""
    return not node or SELF in node


def below(node: FieldSet) -> FieldSet:
    """The set of what is below the field at this node."""
    return {key: child for key, child in node.items() if key != SELF} if SELF in node else node


def node_of(member: bool, children: FieldSet) -> FieldSet | None:
    """A node of these, None where it would say nothing."""
    if not children:
        return _LEAF if member else None
    return {SELF: _LEAF, **children} if member else children


def union(one: FieldSet, other: FieldSet) -> FieldSet:
    """What is in either."""
    if not one or not other:
        return one or other
    merged = dict(one)
    for key, node in other.items():
        mine = one.get(key)
        if mine is None or mine is node:
            merged[key] = node
        else:
            merged[key] = node_of(is_member(mine) or is_member(node), union(below(mine), below(node))) or _LEAF
    return merged if len(merged) == len(one) else ordered(merged)


def difference(one: FieldSet, other: FieldSet) -> FieldSet:
    """What is in the first and not in the second; a parent and its child are different fields."""
    if not one or not other:
        return one
    left: FieldSet = {}
    for key, node in one.items():
        taken = other.get(key)
        if taken is None:
            left[key] = node
            continue
        rest: FieldSet | None
        if node and taken:
            rest = node_of(is_member(node) and not is_member(taken), difference(below(node), below(taken)))
        elif is_member(taken):
            rest = below(node) or None
        else:
            rest = node
        if rest is not None:
            left[key] = rest
    return left


def without(one: FieldSet, other: FieldSet) -> FieldSet:
    """What is in the first and neither in the second nor below something in it."""
    left: FieldSet = {}
    for key, node in one.items():
        taken = other.get(key)
        if taken is not None and is_member(taken):
            continue
        rest = node if taken is None else node_of(is_member(node), without(below(node), below(taken)))
        if rest is not None:
            left[key] = rest
    return left


def intersection(one: FieldSet, other: FieldSet) -> FieldSet:
    """What is in both."""
    both: FieldSet = {}
    for key, node in one.items():
        mine = other.get(key)
        if mine is not None:
            shared = node_of(is_member(node) and is_member(mine), intersection(below(node), below(mine)))
            if shared is not None:
                both[key] = shared
    return both


def with_named_fields(shape: Shape, fields: FieldSet) -> FieldSet:
    """The set with every declared field on the way to a member of it."""
    full: FieldSet = {}
    for key, node in fields.items():
        inner = _shape_below(shape, key)
        named = key[:2] == "f:" and shape.form is Form.MAP and key[2:] in shape.declared
        children = with_named_fields(inner, below(node)) if inner is not None else below(node)
        full[key] = node_of(named or is_member(node), children) or _LEAF
    return full


def _shape_below(shape: Shape, key: str) -> Shape | None:
    return shape.field(key[2:]) if key[:2] == "f:" else shape.item


def paths(fields: FieldSet, prefix: Path = ()) -> Iterator[Path]:
    """The members, those of one level before what is below them, each level in order."""
    keys = [key for key in fields if key != SELF]
    for key in keys:
        if is_member(fields[key]):
            yield (*prefix, key)
    for key in keys:
        yield from paths(fields[key], (*prefix, key))


def shown(path: Path) -> str:
    """A path for people.

    >>> shown(("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:name"))
    '.spec.ports[port=80,protocol="TCP"].name'
    """
    return "".join(_shown_element(key) for key in path)


def _shown_element(key: str) -> str:
    kind, text = key[:2], key[2:]
    if kind == "f:":
        return f".{text}"
    if kind == "k:":
        return "[" + ",".join(f"{name}={compact(value)}" for name, value in json.loads(text).items()) + "]"
    return f"[={text}]" if kind == "v:" else f"[{text}]"


def ordered(level: FieldSet) -> FieldSet:
    """One level of a set as it is written: fields by name, elements by their keys, numbers as numbers."""
    if len(level) < 2:
        return level
    keys = sorted(level)
    if keys[-1][0] != "f":
        keys.sort(key=_order)
    return {key: level[key] for key in keys}


def _order(key: str) -> tuple[Any, ...]:
    kind, text = key[:2], key[2:]
    if kind == "k:":
        return (2, [(name, *_rank(value)) for name, value in json.loads(text).items()])
    if kind == "v:":
        return (3, *_rank(json.loads(text)))
    return (4, int(text)) if kind == "i:" else (0 if key == SELF else 1, text)


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before strings before booleans, each among themselves by value."""
    if isinstance(value, bool):
        return 3, value
    if isinstance(value, int | float):
        return 1, value
    return (2, value) if isinstance(value, str) else (4, compact(value))


def read(written: Any, levels: int = _MOST_LEVELS) -> FieldSet:
    """A set as a client wrote it, its elements in the one spelling. Raises: ValueError where it is none."""
    if not isinstance(written, dict) or levels == 0:
        raise ValueError(f"a set of fields is an object of at most {_MOST_LEVELS} levels, not {type(written).__name__}")
    fields: FieldSet = {}
    for key, node in written.items():
        if key == SELF:
            continue
        name = _read_element(key)
        if name is None:
            continue
        children = read(node, levels - 1)
        member = not children or SELF in node
        fields[name] = node_of(member, children) or _LEAF
    return ordered(fields)


def _read_value(text: str) -> Any:
    if text.count("[") + text.count("{") > _MOST_LEVELS:
        raise ValueError("what tells elements apart is nested too deep")
    return json.loads(text)


def _read_element(key: str) -> str | None:
    """An element in the one spelling; None for a kind that nobody knows, which is left out as the real API does."""
    kind, text = key[:2], key[2:]
    if len(key) < 2 or kind[1] != ":":
        raise ValueError(f"missing colon: {key}")
    if kind == "k:":
        keys = _read_value(text)
        if not isinstance(keys, dict):
            raise ValueError(f"the keys of an element are an object: {key}")
        return "k:" + compact(dict(sorted(keys.items())))
    if kind == "v:":
        return "v:" + compact(_read_value(text))
    if kind == "i:":
        return f"i:{int(text)}"
    return key if kind == "f:" else None
