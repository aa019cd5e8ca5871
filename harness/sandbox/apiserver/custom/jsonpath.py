"""A path in Kubernetes' dialect of JSONPath (`.status.conditions[?(@.type=="Ready")].status`) -> what it finds.

The dialect is client-go's, as definitions of custom kinds use it for their columns: children by dot (a dot within a
name escaped by a backslash) or in brackets, places and slices of lists, `*`, `..`, and filters that compare. A path
that leads nowhere finds nothing. Source: kubernetes.io/docs/reference/kubectl/jsonpath; client-go `util/jsonpath`.
"""

from __future__ import annotations

import json
import operator
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Step = Callable[[Any], Iterator[Any]]

_NAME = re.compile(r"(?:\\.|[^.\[\]\\\s'\"(){}?@,])+")
_QUOTED = re.compile(r"\s*(?:'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\")\s*")
_SLICE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?")
_FILTER = re.compile(r"\?\(\s*(@[^=!<>]*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*\)")
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class PathError(ValueError):
    """The text is no path of the dialect."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path that was read."""

    steps: tuple[Step, ...]

    def found(self, value: Any) -> list[Any]:
        """Everything the path leads to, in order."""
        values = [value]
        for step in self.steps:
            values = [item for each in values for item in step(each)]
        return values


@cache
def path_of(text: str) -> Path:
    """The path that `text` is; a leading `$` is its root. Raises: PathError."""
    rest, steps = text.strip().removeprefix("$"), []
    while rest:
        step, rest = _step(rest, text)
        steps.append(step)
    return Path(tuple(steps))


def _step(rest: str, text: str) -> tuple[Step, str]:
    if rest.startswith(".."):
        return _below, rest[1:] if rest[2:3] != "[" else rest[2:]
    if rest.startswith("["):
        return _bracketed(rest, text)
    rest = rest.removeprefix(".")
    if rest.startswith("["):
        return _bracketed(rest, text)
    if rest.startswith("*"):
        return _every, rest[1:]
    if (match := _NAME.match(rest)) is None:
        if not rest:
            return _itself, ""
        raise PathError(f"{text!r}: a name is expected at {rest!r}")
    return _child(re.sub(r"\\(.)", r"\1", match.group())), rest[match.end() :]


def _bracketed(rest: str, text: str) -> tuple[Step, str]:
    end = _end_of_bracket(rest)
    if end < 0:
        raise PathError(f"{text!r}: unterminated array")
    inner, rest = rest[1:end], rest[end + 1 :]
    if inner.strip() in ("*", ""):
        return (_every if inner.strip() else _place(0)), rest  # empty brackets: the first, as client-go has it
    if match := _QUOTED.fullmatch(inner):
        return _child(re.sub(r"\\(.)", r"\1", match[1] if match[1] is not None else match[2])), rest
    if re.fullmatch(r"\s*-?\d+\s*", inner):
        return _place(int(inner)), rest
    if match := _SLICE.fullmatch(inner):
        return _slice(*(None if part is None else int(part) for part in match.groups())), rest
    if match := _FILTER.fullmatch(inner.strip()):
        return _filter(match[1], match[2], match[3]), rest
    raise PathError(f"{text!r}: invalid array index {inner}")


def _end_of_bracket(rest: str) -> int:
    """Where the bracket at the beginning is closed; brackets in quotes and within it do not count."""
    quote, depth = "", 0
    for n, letter in enumerate(rest):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "[":
            depth += 1
        elif letter == "]":
            depth -= 1
            if depth == 0:
                return n
    return -1


def _itself(value: Any) -> Iterator[Any]:
    yield value


def _every(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _below(value: Any) -> Iterator[Any]:
    yield value
    for child in _every(value):
        yield from _below(child)


def _child(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _place(n: int) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= n < len(value):
            yield value[n]

    return step


def _slice(first: int | None, end: int | None, stride: int | None) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from value[first:end:stride] if stride != 0 else ()

    return step


def _filter(left: str, compared: str | None, right: str | None) -> Step:
    inner = path_of(left.removeprefix("@"))
    wanted = _operand(right) if right is not None else None

    def holds(item: Any) -> bool:
        seen = inner.found(item)
        if compared is None:
            return bool(seen)
        other = wanted.found(item)[:1] if isinstance(wanted, Path) else [wanted]
        try:
            return bool(seen and other) and _COMPARED[compared](seen[0], other[0])
        except TypeError:
            return False

    def step(value: Any) -> Iterator[Any]:
        yield from (item for item in _every(value) if holds(item))

    return step


def _operand(text: str) -> Any:
    if text.startswith("@"):
        return path_of(text[1:])
    if match := _QUOTED.fullmatch(text):
        return match[1] if match[1] is not None else match[2]
    try:
        return json.loads(text)
    except ValueError:
        raise PathError(f"unrecognized operand {text!r} in a filter") from None
