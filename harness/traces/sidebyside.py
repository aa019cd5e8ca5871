"""A comparison -> text in two columns, the signs between them as sdiff has them: `|` changed, `<` `>` only there.

In the margin: `!` differs in what must hold, `~` differs in what may.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import zip_longest
from textwrap import wrap

from harness.traces.comparison import Comparison, Row
from harness.traces.features import Feature

_SECTION_WITHOUT_WHAT_IS_SAME = "Fields"
_NARROWEST = 60


def side_by_side(comparison: Comparison, *, width: int, only_differences: bool = False) -> str:
    """The comparison for a terminal of that width, a verdict at the end."""
    column = (max(width, _NARROWEST) - 7) // 2
    lines = [f"    {comparison.a[:column]:<{column}}   {comparison.b[:column]}"]
    section = ""
    for row in comparison.rows:
        if row.same and (only_differences or row.section == _SECTION_WITHOUT_WHAT_IS_SAME):
            continue
        if row.section != section:
            section = row.section
            lines += ["", section]
        lines += _row(row, column)
    return "\n".join([*lines, "", verdict(comparison)])


def verdict(comparison: Comparison) -> str:
    """One sentence: whether the two are the same in what must hold."""
    found = comparison.differences
    if not found:
        return "The same in all that must hold."
    places = ", ".join(dict.fromkeys(f"{row.section}: {row.name}" for row in found))
    return f"{len(found)} difference{'s' if len(found) > 1 else ''} in what must hold: {places}."


def _row(row: Row, column: int) -> Iterator[str]:
    margin = " " if row.same else "!" if row.binding else "~"
    yield f"{margin} {row.name}"
    same_anyway = row.same and row.a is not None and row.b is not None and row.a.lines != row.b.lines
    for left, sign, right in _aligned(_lines(row.a), _lines(row.b)):
        if sign == " " and row.section == _SECTION_WITHOUT_WHAT_IS_SAME:
            continue
        shown = " " if same_anyway else sign
        for index, (a, b) in enumerate(zip_longest(_wrapped(left, column), _wrapped(right, column), fillvalue="")):
            yield f"    {a:<{column}} {shown if index == 0 else ' '} {b}".rstrip()


def _lines(feature: Feature | None) -> tuple[str, ...]:
    return feature.lines if feature else ()


def _aligned(a: tuple[str, ...], b: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """(left, sign, right) line by line, what is the same on one height."""
    for what, a_from, a_to, b_from, b_to in SequenceMatcher(a=a, b=b, autojunk=False).get_opcodes():
        for left, right in zip_longest(a[a_from:a_to], b[b_from:b_to]):
            sign = " " if what == "equal" else ">" if left is None else "<" if right is None else "|"
            yield left or "", sign, right or ""


def _wrapped(line: str, column: int) -> list[str]:
    return wrap(line, column, subsequent_indent="  ") or [""]
