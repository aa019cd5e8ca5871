"""YAML text -> the values that kubectl takes it for.

kubectl goes through sigs.k8s.io/yaml: libyaml's grammar with the scalars of YAML 1.1 as go-yaml v2 reads them (`0400`
is octal, `on` is true, `1:30` and a date are strings), turned into JSON, whose keys are strings and whose 1.0 is 1.
Each rule here is held against kubectl itself (`kubectl annotate --local -o json`).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterable
from typing import Any

from harness.inputs.shown import shown
from harness.inputs.yaml_nodes import MOST_LEVELS, Collection, Node, Scalar, YamlError, compose

_BOOLS = {
    word: value
    for words, value in (("y yes true on", True), ("n no false off", False))
    for name in words.split()
    for word in (name, name.capitalize(), name.upper())
}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_INT = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_BASES = (16, 2, 8, 10)
_SPACE = re.compile(r"[ \t\r\n]*")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTS, _EXACT_FLOATS = range(-(2**63), 2**63), 2.0**53
_MOST_DIGITS = 300  # what is longer is beyond every float


class MeaningError(Exception):
    """It is YAML and has no meaning as JSON; or it is no YAML. The text says where; `line` does too, if it is known."""

    def __init__(self, seen: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(seen)


def documents(text: str) -> list[Any]:
    """What each document of the text holds, None for an empty one. Of a key that comes twice the last counts.

    Raises:
        MeaningError: kubectl would refuse it.
    """
    if text.lstrip().startswith("{") and (found := _json_stream(text)) is not None:
        return found
    return [value for value, _ in located(text)]


def located(text: str) -> list[tuple[Any, Node]]:
    """The same, each with the nodes of its text, which know their lines; JSON too is read as YAML.

    Raises:
        MeaningError: kubectl would refuse it.
    """
    try:
        return [(_value(node), node) for node in compose(text)]
    except YamlError as error:
        raise MeaningError(str(error), error.line) from None


def _json_stream(text: str) -> list[Any] | None:
    """The objects of a stream of JSON, for which kubectl asks a parser of JSON; None where it is none."""
    decoder = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=_refused)
    found, at = [], 0
    try:
        while at < len(text) and (start := _SPACE.match(text, at)) is not None and start.end() < len(text):
            value, at = decoder.raw_decode(text, start.end())
            found.append(value)
    except (ValueError, RecursionError):  # what is nested too deep is refused, with its line, as YAML
        return None
    return found if all(map(_is_shallow, found)) else None


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return True
    return False


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _number(text: str) -> int | float:
    """Go's JSON has 64-bit integers, and floats beyond."""
    if len(text) < _MOST_DIGITS and text.lstrip("-").isdigit() and (whole := int(text)) in _INTS:
        return whole
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return _shortest(value)


def _refused(word: str) -> None:
    raise ValueError(word)


def is_more(text: str) -> bool:
    """Whether the text, written without quotes, would be taken for more than text."""
    return text == "<<" or not isinstance(_plain(text), str)


def _value(node: Node) -> Any:
    if isinstance(node, Collection):
        return _mapping(node) if node.is_mapping else [_value(item) for item in node.children]
    value = _scalar(node)
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise MeaningError(f"JSON has no {shown(node.text)[1:-1]}{_at(node)}", node.line)
    return _shortest(value)


def _shortest(value: float) -> int | float:
    """As Go writes it in JSON: without a fraction where it has none."""
    return int(value) if value.is_integer() and abs(value) < _EXACT_FLOATS else value


def _mapping(node: Collection) -> dict[str, Any]:
    """In the order of the file, merges too: what comes later counts, as in go-yaml v2."""
    found: dict[str, Any] = {}
    for key, value in node.pairs:
        if isinstance(key, Scalar) and key.plain and key.text == "<<":
            found |= _merged(value)
        else:
            found[_key(key)] = _value(value)
    return found


def _merged(node: Node) -> dict[str, Any]:
    """What `<<` brings; of several mappings the first counts."""
    parts = node.children if isinstance(node, Collection) and not node.is_mapping else [node]
    found: dict[str, Any] = {}
    for part in reversed(parts):
        if not (isinstance(part, Collection) and part.is_mapping):
            raise MeaningError(f"a merge needs a mapping{_at(node)}", node.line)
        found |= _mapping(part)
    return found


def _key(node: Node) -> str:
    value = _value(node) if isinstance(node, Scalar) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        raise MeaningError(f"a key must be text{_at(node)}", node.line)
    return str(value)


def _scalar(node: Scalar) -> Any:
    if node.tag == "binary":
        try:
            return base64.b64decode("".join(node.text.split()), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise MeaningError(f"its !!binary is not base64 of text{_at(node)}", node.line) from None
    if node.plain or node.tag in ("int", "float", "bool", "null"):
        return _plain(node.text)
    return node.text


def _plain(text: str) -> Any:
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _NOT_FINITE.fullmatch(text):
        return math.nan
    number = text.replace("_", "") if text[0] in "+-.0123456789" else ""
    if (match := _INT.fullmatch(number)) is not None:
        value, base = next((digits, base) for digits, base in zip(match.groups()[1:], _BASES, strict=True) if digits)
        if len(value) < _MOST_DIGITS:
            whole = int(match[1] + value, base)
            return whole if whole in _INTS else float(whole)
    if _FLOAT.fullmatch(number) and math.isfinite(value := float(number)):
        return value
    return text


def _at(node: Node) -> str:
    return f" (line {node.line})"
