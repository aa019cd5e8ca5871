"""YAML text -> one document's values by YAML 1.2's core schema (10.3), and the line of each of its keys.

A date, `on` and `1:30` are text; a key that comes twice is an error, for which of the two was meant cannot be told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.inputs.shown import shown
from harness.inputs.yaml_nodes import Collection, Node, Scalar, YamlError, compose

Path = tuple[str | int, ...]

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"([-+]?)\.(inf|Inf|INF|nan|NaN|NAN)")
_MOST_DIGITS = 300


@dataclass(slots=True)
class Document:
    """`value`: a mapping, or None where there is nothing. `lines`: the path of a key or item -> its line, from 1."""

    value: dict[str, Any] | None
    lines: dict[Path, int] = field(default_factory=dict)


def document(text: str) -> Document:
    """The one document of the text; None in it where it holds nothing.

    Raises:
        YamlError: it is no YAML, several documents or no mapping; or has a key twice, or a tag its value does not fit.
    """
    roots = [root for root in compose(text) if not (isinstance(root, Scalar) and root.plain and not root.text)]
    if len(roots) > 1:
        raise YamlError("a second document begins, and one is wanted", roots[1].line)
    found = Document(None)
    for root in roots:
        if not (isinstance(root, Collection) and root.is_mapping):
            raise YamlError("it holds no mapping", root.line)
        found.value = _mapping(root, (), found.lines)
    return found


def _value(node: Node, path: Path, lines: dict[Path, int]) -> Any:
    if isinstance(node, Scalar):
        return _scalar(node)
    if node.is_mapping:
        return _mapping(node, path, lines)
    items = []
    for number, item in enumerate(node.children):
        lines[*path, number] = item.line
        items.append(_value(item, (*path, number), lines))
    return items


def _mapping(node: Collection, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    """What a merge (`<<`) brings counts less than what stands there itself."""
    own: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key, value in node.pairs:
        if isinstance(key, Scalar) and key.plain and key.text == "<<":
            merged = _merged(value, path, lines) | merged
            continue
        name = _key(key)
        if name in own:
            raise YamlError(f"the key {shown(name)} is there twice (duplicate)", key.line)
        lines[*path, name] = key.line
        own[name] = _value(value, (*path, name), lines)
    return merged | own


def _merged(node: Node, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    parts = node.children if isinstance(node, Collection) and not node.is_mapping else [node]
    found: dict[str, Any] = {}
    for part in parts:
        if not (isinstance(part, Collection) and part.is_mapping):
            raise YamlError("a merge (<<) needs a mapping", part.line)
        found = _mapping(part, path, lines) | found
    return found


def _key(node: Node) -> str:
    if not isinstance(node, Scalar):
        raise YamlError("a key must be text, not a list or a mapping", node.line)
    return node.text


def _scalar(node: Scalar) -> Any:
    if node.plain:
        return _plain(node)
    if node.tag in ("", "!", "str"):
        return node.text
    read = _TAGGED.get(node.tag)
    if read is None:
        raise YamlError(f"the tag {shown(node.tag)} means nothing here", node.line)
    try:
        return read(node.text)
    except (ValueError, KeyError, OverflowError):
        raise YamlError(f"{shown(node.text)} is no !!{node.tag}", node.line) from None


def _plain(node: Scalar) -> Any:
    text = node.text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INT.fullmatch(text):
        return _whole(node)
    if _FLOAT.fullmatch(text):
        return float(text)
    if (found := _NOT_FINITE.fullmatch(text)) is not None:
        return math.nan if found[2].lower() == "nan" else math.copysign(math.inf, -1 if found[1] == "-" else 1)
    return text


def _whole(node: Scalar) -> int:
    if len(node.text) > _MOST_DIGITS:
        raise YamlError(f"a number of {len(node.text)} digits is too long to be one", node.line)
    return _integer(node.text)


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text[2:] if base != 10 else text, base)


def _number(text: str) -> float:
    if not (_FLOAT.fullmatch(text) or _INT.fullmatch(text)):
        raise ValueError(text)
    return float(text)


_TAGGED: dict[str, Callable[[str], Any]] = {
    "int": _integer,
    "float": _number,
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
    "null": lambda text: {"": None, "~": None, "null": None}[text.lower()],
}
