"""A live object and a configuration of one shape -> the two merged; and an object less the fields of a set.

What the configuration says wins. Lists come in the order of the configuration, what only the live object has keeps its
place among them. Source: structured-merge-diff `typed/merge.go`, `typed/remove.go`, `typed/tofieldset.go`.
"""

from __future__ import annotations

from typing import Any

from harness.sandbox.apiserver.fieldmanager.comparison import is_container
from harness.sandbox.apiserver.fieldmanager.fieldsets import SELF, FieldSet, below, is_member, ordered
from harness.sandbox.apiserver.fieldmanager.shapes import UNKNOWN, Shape

_LEAF: FieldSet = {}


def field_set(shape: Shape, value: Any) -> FieldSet:
    """Every leaf and every element of a list that an object mentions: what its author applies."""
    fields: FieldSet = {}
    if isinstance(value, dict):
        for name, child in value.items():
            named = name not in shape.declared
            whole = child is None or child == {}
            _add(fields, f"f:{name}", shape.field(name) or UNKNOWN, child, member=named or whole)
        return ordered(fields)
    keys = [shape.element(item) for item in value or ()]
    for key, item in zip(keys, value or (), strict=True):
        if keys.count(key) > 1:
            fields[key] = _LEAF
        else:
            _add(fields, key, shape.item or UNKNOWN, item, member=True)
    return ordered(fields)


def _add(fields: FieldSet, key: str, shape: Shape, value: Any, *, member: bool) -> None:
    if value is None or is_container(shape, value):
        children = field_set(shape, value) if value else {}
        if children:
            fields[key] = {SELF: _LEAF, **children} if member else children
        elif member:
            fields[key] = _LEAF
    else:
        fields[key] = _LEAF


def merged(shape: Shape, live: Any, config: Any) -> Any:
    """The live value with the configuration's laid over it."""
    if isinstance(config, dict) and isinstance(live, dict) and is_container(shape, config) and (live or config):
        both = dict(live)
        for name, value in config.items():
            both[name] = merged(shape.field(name) or UNKNOWN, live[name], value) if name in live else value
        return both
    if isinstance(config, list) and isinstance(live, list) and is_container(shape, config):
        return _merged_elements(shape, live, config)
    if config is None and live and is_container(shape, live):
        return live  # nothing is said of its parts
    return config


def _merged_elements(shape: Shape, live: list[Any], config: list[Any]) -> list[Any]:
    """Elements in the configuration's order; those of the live list alone stay before what they stood before."""
    old_keys, new_keys = [shape.element(item) for item in live], [shape.element(item) for item in config]
    old: dict[str, Any] = {}
    for key, item in zip(old_keys, live, strict=True):
        old[key] = None if key in old else item  # there twice: nothing to merge with
    new = dict(zip(new_keys, config, strict=True))
    shared = [key for key in new_keys if key in old]
    result: list[Any] = []
    left, right, done = 0, 0, 0
    while left < len(live) or right < len(config):
        wanted = new_keys[right] if right < len(config) else ""
        if left < len(live):
            key = old_keys[left]
            if key not in new:
                result.append(live[left])
                left += 1
                continue
            if key != wanted and wanted and done < len(shared) and shared[done] != key:
                left += 1  # its turn comes with the configuration's order
                continue
            if key == wanted or key in shared[:done]:
                left += 1
        if wanted:
            result.append(_merged_element(shape, old.get(wanted), new[wanted]))
            done += wanted in old
            right += 1
    return result


def _merged_element(shape: Shape, live: Any, config: Any) -> Any:
    return config if live is None else merged(shape.item or UNKNOWN, live, config)


def less(shape: Shape, value: Any, fields: FieldSet) -> Any:
    """The value without the members of the set; None where nothing is left of a list or map."""
    if not fields or not value or not is_container(shape, value):
        return None if fields and isinstance(value, dict | list) else value
    if isinstance(value, list):
        elements = [(fields.get(shape.element(item)), item) for item in value]
        kept = [
            item if node is None else less(shape.item or UNKNOWN, item, below(node))
            for node, item in elements
            if node is None or not is_member(node)
        ]
        return kept or None
    rest = {}
    for name, child in value.items():
        node = fields.get(f"f:{name}")
        if node is None:
            rest[name] = child
        elif not is_member(node):
            rest[name] = less(shape.field(name) or UNKNOWN, child, below(node))
    return rest or None
