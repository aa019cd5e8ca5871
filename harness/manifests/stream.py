"""The text of several documents -> each of them, and where it begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BREAK = re.compile(r"^---(?=[ \t]*(?:#.*)?$).*\n?", re.MULTILINE)
"""What parts the documents of a stream, as kubectl does it (apimachinery: YAMLReader)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A document, or a line that parts two of them. `line`: that of its beginning, from 1."""

    text: str
    line: int
    parts: bool = False


def parts(text: str) -> Iterator[Part]:
    """The documents and, apart, the lines between them; joined they are the text."""
    at, line = 0, 1
    for found in _BREAK.finditer(text):
        before = text[at : found.start()]
        yield Part(before, line)
        line += before.count("\n")
        yield Part(found[0], line, parts=True)
        line += found[0].count("\n")
        at = found.end()
    yield Part(text[at:], line)
