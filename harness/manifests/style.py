"""Documents that ruamel.yaml loaded -> how they are indented; a text and a change -> that change's lines anew alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

_MOST_LINES = 20_000
"""Of longer texts no lines are compared, which takes time by the square of their number."""


@dataclass(frozen=True, slots=True)
class Indents:
    """In columns from a key: where a mapping in it begins, where the text of a list's item does, and its dash."""

    mapping: int = 2
    sequence: int = 4
    offset: int = 2


@dataclass(slots=True)
class _Seen:
    """How often each is met."""

    mappings: Counter[int] = field(default_factory=Counter)
    lists: Counter[tuple[int, int]] = field(default_factory=Counter)


def indents(documents: Sequence[Any]) -> Indents:
    """As most of their mappings and lists are indented; what they have none of is as usual."""
    seen, usual = _Seen(), Indents()
    for document in documents:
        _look(document, seen)
    mapping = max(seen.mappings, key=lambda columns: seen.mappings[columns], default=usual.mapping)
    pair = max(seen.lists, key=lambda columns: seen.lists[columns], default=(usual.sequence, usual.offset))
    return Indents(mapping, *pair)


def _look(node: Any, seen: _Seen) -> None:
    if isinstance(node, CommentedSeq):
        for item in node:
            _look(item, seen)
        return
    if not isinstance(node, CommentedMap) or node.fa.flow_style():
        return
    for key, value in node.items():
        place = (node.lc.data or {}).get(key)
        if (
            place is not None
            and isinstance(value, (CommentedMap, CommentedSeq))
            and value
            and not value.fa.flow_style()
        ):
            column = place[1]
            if isinstance(value, CommentedMap) and value.lc.col > column:
                seen.mappings[value.lc.col - column] += 1
            elif isinstance(value, CommentedSeq) and value.lc.col >= column and value.lc.data:
                dash = value.lc.col - column
                text = value.lc.item(0)[1] - column
                seen.lists[text if text > dash else dash + 2, dash] += 1
        _look(value, seen)


def spliced(text: str, same: str, changed: str) -> str | None:
    """The text with the lines in which `changed` differs from `same`; None where they cannot be told.

    `same` is what a writer of YAML makes of the text without a change: line by line what the text says, with the
    indents and spaces of the writer.
    """
    own, before, after = (each.splitlines(keepends=True) for each in (text, same, changed))
    if len(own) != len(before) or len(own) > _MOST_LINES:
        return None
    lines: list[str] = []
    for tag, begin, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += own[begin:end]
        else:
            lines += _moved(own, before, begin, after[first:last])
    return "".join(lines)


def _moved(own: Sequence[str], before: Sequence[str], at: int, new: Sequence[str]) -> Iterator[str]:
    """New lines, indented as the text is where they are to stand: what is new within something new moves with that."""
    depth, shift = None, 0
    for line in new:
        if line.strip() and (depth is None or _depth(line) < depth):
            depth = _depth(line)
            places = _siblings(before, at, depth)
            shift = next((_depth(own[place]) - _depth(before[place]) for place in places), 0)
        yield _shifted(line, shift)


def _siblings(lines: Sequence[str], at: int, depth: int) -> Iterator[int]:
    """The places of lines of that depth, from `at` on upwards as long as they are in one mapping, then downwards."""
    for way in (range(at - 1, -1, -1), range(at, len(lines))):
        for place in way:
            if not lines[place].strip() or _depth(lines[place]) > depth:
                continue
            if _depth(lines[place]) < depth:
                break
            yield place


def _depth(line: str) -> int:
    """The column of what stands in it; of an item of a list that of its text, which is that of its other fields."""
    rest = line.lstrip(" ")
    dash = len(rest) - len(rest[1:].lstrip(" ")) if rest.startswith("- ") else 0
    return len(line) - len(rest) + dash


def _shifted(line: str, by: int) -> str:
    if not line.strip() or not by:
        return line
    return " " * by + line if by > 0 else line[min(-by, len(line) - len(line.lstrip(" "))) :]
