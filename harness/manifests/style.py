"""Documents that ruamel.yaml loaded -> how they are indented; a text and a change -> that change's lines anew alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

_MOST_LINES = 20_000
"""Of longer texts no lines are compared, which takes time by the square of their number."""


_NULL = re.compile(r":[ \t]+(?:null|Null|NULL|~)(?=\s*$)")
"""What a writer may write as nothing."""


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

    `same` is what a writer of YAML makes of the text without a change: the same lines, but for spaces and line breaks.
    """
    before, after = same.splitlines(keepends=True), changed.splitlines(keepends=True)
    own = text.splitlines(keepends=True)
    if len(own) > _MOST_LINES or (blocks := _blocks(own, before)) is None:
        return None
    end = "\r\n" if own[0].endswith("\r\n") else "\n"
    lines: list[str] = []
    for tag, begin, upto, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += (line for block in blocks[begin:upto] for line in block)
        else:
            new = [f"{line.rstrip()}{end}" for line in _moved(blocks, before, begin, after[first:last])]
            if new and lines and _depth(new[0]) > _depth(lines[-1]):
                lines[-1] = _NULL.sub(":", lines[-1])  # it has something in it now
            lines += new
    return "".join(lines)


def _blocks(own: Sequence[str], before: Sequence[str]) -> list[list[str]] | None:
    """The lines of the text that each line of its writer stands for; None where one of them stands for none.

    Empty lines go with the line before them, and `limits:`, `{}` on two lines with the first of what they became.
    """
    blocks: list[list[str]] = [[] for _ in before]
    words, written = (["".join(_NULL.sub(":", line).split()) for line in lines] for lines in (own, before))
    lead: list[str] = []
    for tag, begin, upto, first, last in SequenceMatcher(None, words, written, autojunk=False).get_opcodes():
        if tag == "equal":
            for at in range(upto - begin):
                blocks[first + at].append(own[begin + at])
        elif "".join(words[begin:upto]) != "".join(written[first:last]):
            return None
        elif first < last:
            for at in range(first, last):  # as many of the lines as make up that one
                while begin < upto and len("".join("".join(line.split()) for line in blocks[at])) < len(written[at]):
                    blocks[at].append(own[begin])
                    begin += 1
            blocks[last - 1] += own[begin:upto]
        else:
            (blocks[first - 1] if first else lead).extend(own[begin:upto])
    return [[*lead, *block] if not at else block for at, block in enumerate(blocks)]


def _moved(own: Sequence[Sequence[str]], before: Sequence[str], at: int, new: Sequence[str]) -> Iterator[str]:
    """New lines, indented as the text is where they are to stand: what is new within something new moves with that."""
    depth, shift = None, 0
    for line in new:
        if line.strip() and (depth is None or _depth(line) < depth):
            depth = _depth(line)
            places = _siblings(before, at, depth)
            shift = next((_depth(own[place][0]) - _depth(before[place]) for place in places if own[place]), 0)
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
