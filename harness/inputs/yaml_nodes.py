"""YAML text -> a tree of nodes that know their lines, bounded in depth and in what its aliases make of it.

libyaml's own parser, which reads ten megabytes in seconds, gives events; what a plain scalar means is left open.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from harness.inputs.shown import printable, shown

MOST_LEVELS = 100
_ALIASES_MAKE = 1_000_000
_TAG = "tag:yaml.org,2002:"
_COLONS = ("mapping values are not allowed", "found unexpected ':'")  # as libyaml says it


class YamlError(Exception):
    """It is no YAML, or none that is read here: what is wrong with it, and where.

    `str()` gives "line 3, column 4: it is not YAML that can be read here (WHAT)".
    """

    def __init__(self, what: str, line: int | None = None, column: int | None = None) -> None:
        self.what, self.line, self.column = what, line, column
        super().__init__(what, line, column)

    def __str__(self) -> str:
        places = [f"{name} {number}" for name, number in (("line", self.line), ("column", self.column)) if number]
        return f"{', '.join(places)}{': ' if places else ''}it is not YAML that can be read here ({self.what})"


@dataclass(slots=True)
class Scalar:
    """`tag`: without YAML's own prefix, empty where there is none; `plain`: without quotes."""

    line: int
    text: str
    tag: str
    plain: bool

    @property
    def levels(self) -> int:
        """None below it."""
        return 0

    @property
    def size(self) -> int:
        """Characters, and one for the node itself."""
        return len(self.text) + 1


@dataclass(slots=True)
class Collection:
    """A sequence's items, or a mapping's keys and values in turn. `levels`, `size`: with all that aliases repeat."""

    line: int
    is_mapping: bool
    children: list[Node] = field(default_factory=list)
    levels: int = 0
    size: int = 1
    whole: bool = False

    @property
    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Keys and values of a mapping."""
        return zip(self.children[::2], self.children[1::2], strict=True)


Node = Scalar | Collection


def compose(text: str) -> list[Node]:
    """The root of each document; an empty one is the empty plain scalar.

    Raises:
        YamlError: it is no YAML, nested too deep or in itself, or its aliases make too much of it.
    """
    with _no_collector():
        try:
            return list(_Composer(len(text)).documents(yaml.parse(text, Loader=yaml.CSafeLoader)))
        except yaml.MarkedYAMLError as error:
            raise _described(error, text) from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise YamlError(f"the character {_code(error.character)} is not allowed", line) from None
        except (yaml.YAMLError, UnicodeEncodeError) as error:
            raise YamlError(printable(str(error))) from None


class _Composer:
    """Puts events together, without recursion: depth is the file's to choose."""

    def __init__(self, length: int) -> None:
        self._most = 2 * length + _ALIASES_MAKE
        self._anchors: dict[str, Node] = {}
        self._open: list[Collection] = []

    def documents(self, events: Iterator[Any]) -> Iterator[Node]:
        node: Node
        for event in events:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                node = self._scalar(event)
            elif kind is yaml.AliasEvent:
                node = self._aliased(event)
            elif kind in (yaml.MappingStartEvent, yaml.SequenceStartEvent):
                self._begin(event, is_mapping=kind is yaml.MappingStartEvent)
                continue
            elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
                node = self._open.pop()
                node.whole = True
            else:
                if kind is yaml.DocumentStartEvent:
                    self._anchors = {}
                continue
            if self._open:
                self._add(node)
            else:
                yield node

    def _scalar(self, event: Any) -> Scalar:
        plain = event.implicit[0] and not event.style
        tag = "" if event.tag is None or plain else str(event.tag).removeprefix(_TAG)
        node = Scalar(event.start_mark.line + 1, event.value, tag, plain)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _begin(self, event: Any, *, is_mapping: bool) -> None:
        line = event.start_mark.line + 1
        if len(self._open) >= MOST_LEVELS:
            raise YamlError(f"it is nested deeper than {MOST_LEVELS} levels", line)
        node = Collection(line, is_mapping)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._open.append(node)

    def _aliased(self, event: Any) -> Node:
        line, node = event.start_mark.line + 1, self._anchors.get(event.anchor)
        if node is None:
            raise YamlError(f"undefined alias {shown(event.anchor)}", line)
        if isinstance(node, Collection) and not node.whole:
            raise YamlError(f"the alias {shown(event.anchor)} stands in itself, without end", line)
        return node

    def _add(self, node: Node) -> None:
        parent = self._open[-1]
        parent.children.append(node)
        parent.size += node.size
        parent.levels = max(parent.levels, node.levels + 1)
        if len(self._open) + node.levels > MOST_LEVELS:
            raise YamlError(f"its aliases nest it deeper than {MOST_LEVELS} levels", node.line)
        if parent.size > self._most:
            raise YamlError("its aliases would make it many times as large as it is", node.line)


def _described(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    mark = error.problem_mark or error.context_mark
    words = printable(" ".join(filter(None, (error.problem, error.context))))
    if mark is None:
        return YamlError(words)
    lines = text.splitlines() or [""]
    at = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
    colon = " (a value with a colon at its end or before a space needs quotes)" if words.startswith(_COLONS) else ""
    tab = " (a tab, where YAML wants spaces)" if at == "\t" else ""
    end = " (the text ends there: was it cut?)" if mark.line >= len(lines) - 1 and not at else ""
    return YamlError(f"{words}{colon}{tab}{end}", mark.line + 1, mark.column + 1)


def _code(character: Any) -> str:
    return f"U+{ord(character) if isinstance(character, str) else int(character):04X}"


@contextmanager
def _no_collector() -> Iterator[None]:
    """A million nodes that all live on are looked at again and again by the collector: ten times as slow."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
