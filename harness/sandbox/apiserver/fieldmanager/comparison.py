"""Two states of an object of one shape -> the fields that were removed, changed and added between them.

Equal branches are not looked into: an update costs what it changes, not what the object holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.sandbox.apiserver.fieldmanager.fieldsets import SELF, FieldSet, ordered, union
from harness.sandbox.apiserver.fieldmanager.shapes import UNKNOWN, Form, Shape

_ABSENT: Any = object()
_LEAF: FieldSet = {}


@dataclass(slots=True)
class Comparison:
    """What lies between two states; no field is in two of the sets."""

    removed: FieldSet = field(default_factory=dict)
    modified: FieldSet = field(default_factory=dict)
    added: FieldSet = field(default_factory=dict)

    @property
    def set_now(self) -> FieldSet:
        """What has a new value."""
        return union(self.modified, self.added)


def compared(shape: Shape, old: Any, new: Any) -> Comparison:
    """What changed from `old` to `new`, which may have elements of a list twice."""
    changes = Comparison()
    _compare_children(shape, old, new, changes)
    return Comparison(*(ordered(part) for part in (changes.removed, changes.modified, changes.added)))


def _compare(shape: Shape, key: str, old: Any, new: Any, changes: Comparison) -> None:
    """Adds to `changes`, the sets of the parent, what is different in its element `key`."""
    if old is _ABSENT:
        changes.added[key] = whole(shape, new)
    elif new is _ABSENT:
        changes.removed[key] = whole(shape, old)
    elif old == new:
        return
    elif _is_leaf(shape, old, new):
        changes.modified[key] = _LEAF
    else:
        inner = Comparison()
        _compare_children(shape, old, new, inner)
        for target, children in (
            (changes.removed, inner.removed),
            (changes.modified, inner.modified),
            (changes.added, inner.added),
        ):
            if children:
                target[key] = ordered(children)


def whole(shape: Shape, value: Any) -> FieldSet:
    """The node of a value that came or went with all that is in it."""
    if not value or not is_container(shape, value):
        return _LEAF
    node: FieldSet = {SELF: _LEAF}
    if isinstance(value, dict):
        declared, rest = shape.declared, shape.rest or UNKNOWN
        for name in sorted(value):
            child = value[name]
            parts = child and isinstance(child, dict | list)
            node["f:" + name] = whole(declared.get(name, rest), child) if parts else _LEAF
        return node
    item = shape.item or UNKNOWN
    for key, values in _by_element(shape, value).items():
        node[key] = whole(item, values[0]) if len(values) == 1 else _LEAF
    return ordered(node)


def is_container(shape: Shape, value: Any) -> bool:
    """Whether a value of this shape is owned by its parts."""
    if isinstance(value, dict):
        return shape.form is Form.MAP or shape.form is Form.ANY
    return isinstance(value, list) and shape.form is Form.LIST


def _is_leaf(shape: Shape, old: Any, new: Any) -> bool:
    """Scalars, what is owned whole, what is empty on both sides, and what is of another kind than before."""
    if not old and not new:
        return True
    if old is None or new is None:
        return not is_container(shape, new if old is None else old)
    return type(old) is not type(new) or not is_container(shape, new)


def _compare_children(shape: Shape, old: Any, new: Any, changes: Comparison) -> None:
    if isinstance(old, list) or isinstance(new, list):
        _compare_elements(shape, _or_empty(old, list), _or_empty(new, list), changes)
        return
    before, now = _or_empty(old, dict), _or_empty(new, dict)
    declared, rest = shape.declared, shape.rest or UNKNOWN
    for name, value in now.items():
        was = before.get(name, _ABSENT)
        if was is not value:
            _compare(declared.get(name, rest), f"f:{name}", was, value, changes)
    for name, value in before.items():
        if name not in now:
            _compare(declared.get(name, rest), f"f:{name}", value, _ABSENT, changes)


def _or_empty(value: Any, kind: type) -> Any:
    return value if isinstance(value, kind) else kind()


def _compare_elements(shape: Shape, old: list[Any], new: list[Any], changes: Comparison) -> None:
    before, now, item = _by_element(shape, old), _by_element(shape, new), shape.item or UNKNOWN
    for key in {**before, **now}:
        was, here = before.get(key, []), now.get(key, [])
        if len(was) < 2 and len(here) < 2:
            _compare(item, key, was[0] if was else _ABSENT, here[0] if here else _ABSENT, changes)
        elif len(was) > 1 and len(here) > 1:
            if was != here:
                changes.modified[key] = _LEAF
        else:
            _compare_with_duplicates(item, key, was, here, changes)


def _compare_with_duplicates(item: Shape, key: str, was: list[Any], here: list[Any], changes: Comparison) -> None:
    """An element that is there twice is owned whole; before or after, it was owned by its parts."""
    if len(was) > 1:
        if here:
            _compare(item, key, _ABSENT, here[0], changes)
        changes.removed[key] = _LEAF
    else:
        if was:
            _compare(item, key, was[0], _ABSENT, changes)
        changes.added[key] = _LEAF


def _by_element(shape: Shape, items: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for value in items:
        found.setdefault(shape.element(value), []).append(value)
    return found
