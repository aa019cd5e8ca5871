"""Turns the comparison of runs into plain text of 80 columns: tables, what they say, and the series over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from textwrap import wrap
from typing import Final

from tabulate import tabulate

from harness.model.comparison import MEASURE_WORDS, Comparison, Difference, Measure, Pair, PowerTable, Side
from harness.model.quantity import things
from harness.reporters.escaping import visible

_WIDTH: Final = 80
_BAR: Final = 24
_SERIES: Final = 3
"""From so many sides of one variant on, they are shown over time."""


def comparison_text(found: Comparison) -> str:
    """Each pair, the series where there is one, and why the gate ended as it did."""
    lines: list[str] = []
    for pair in found.pairs:
        lines += [*_pair(pair), ""]
    lines += _series(found.sides)
    for said in found.unmatched:
        lines += _paragraph(said)
    lines += _decided(found)
    return "\n".join(lines).rstrip() + "\n"


def _decided(found: Comparison) -> Iterator[str]:
    """Why a gate ended as it did. Its test has one side, those of the table two: it shows more with as few rollouts."""
    if any(one.gates for pair in found.pairs for one in pair.differences):
        yield from _paragraph(
            f"The exit code, {found.exit_code}, goes by another test: one-sided, whether the second is worse than the "
            "first:"
        )
    for said in found.why:
        yield from _paragraph(said, "  ")


def power_text(table: PowerTable) -> str:
    """How many rollouts of each kind show what difference, beforehand."""
    said = "measured in these runs" if table.measured else "assumed: name runs to have it measured"
    rows = [
        *(("rollouts that drop calls", *_needed(one.change, one.rollouts, table)) for one in table.shares),
        *(("lost calls per rollout", *_needed(one.change, one.rollouts, table)) for one in table.failures),
    ]
    lines = [
        *_paragraph(
            "Rollouts needed on each side to show, with 95 % confidence and a probability of 80 %, that the second is "
            "worse:"
        ),
        "",
        *_table(("measure", "change", "rollouts"), rows, ("left", "left", "right")),
        "",
        *_paragraph(
            f"Lost calls vary by {100 * table.spread:.0f} % of their mean between rollouts of one kind ({said})."
        ),
    ]
    return "\n".join(lines) + "\n"


def power_sentence(table: PowerTable) -> str:
    """The same in a sentence: what a gate can have seen."""
    shares, failures = (
        ", ".join(
            f"{rollouts} for {change}"
            for change, rollouts in (_needed(one.change, one.rollouts, table) for one in many)
        )
        for many in (table.shares, table.failures)
    )
    told = "; ".join(
        part
        for part in (f"of rollouts that drop calls, {shares}" if shares else "", f"of lost calls, {failures}")
        if part
    )
    return (
        "\n".join(
            _paragraph(
                f"Rollouts that each side needs for a regression to be shown (95 % confidence, a probability of "
                f"80 %, by a single one-sided test): {told}."
            )
        )
        + "\n"
    )


def _needed(change: str, rollouts: int | None, table: PowerTable) -> tuple[str, str]:
    return change, str(rollouts) if rollouts is not None else f"more than {table.most}"


def _pair(pair: Pair) -> Iterator[str]:
    yield from _paragraph(f"{pair.second.name} (second) against {pair.first.name} (first)")
    for name, side in (("first", pair.first), ("second", pair.second)):
        yield from _paragraph(f"{name}: {_side(side)}", "  ")
    for unlike in pair.unlike:
        yield from _paragraph(f"differs: {unlike}", "  ")
    for side in (pair.first, pair.second):
        if side.doubt:
            yield from _paragraph(f"in doubt: {side.name}: {side.doubt}", "  ")
    yield ""
    rows = [_row(one) for one in pair.differences]
    head = ("measure", "first", "second", "difference", "95 % interval", "p")
    yield from _table(head, rows, ("left", "right", "right", "right", "left", "right"))
    for measure in pair.untold:
        yield from _paragraph(f"{MEASURE_WORDS[measure]}: not measured in both", "  ")
    yield ""
    yield from _paragraph(_said(pair.differences))


def _side(side: Side) -> str:
    where = f"{side.facts['cluster']}, Kubernetes {side.facts['Kubernetes']}"
    return f"{side.variant}, {side.path}, {things(side.rollouts, 'rollout')}; {where}; {_date(side.at)}"


def _row(one: Difference) -> tuple[str, ...]:
    words = MEASURE_WORDS[one.measure]
    if one.measure == Measure.DROPPING:
        first, second = (
            f"{round(share * number)} of {number}"
            for share, number in zip((one.first, one.second), one.numbers, strict=True)
        )
        low, high = (_percent(0.0 if bound is None else bound) for bound in (one.low, one.high))
        return words, first, second, _percent(one.difference), f"{low} to {high}", _p(one.p)
    bounds = " to ".join("unbounded" if bound is None else f"{bound:+,.4g}" for bound in (one.low, one.high))
    interval = "not bounded" if one.low is None and one.high is None else bounds
    return words, f"{one.first:,.4g}", f"{one.second:,.4g}", f"{one.difference:+,.4g}", interval, _p(one.p)


def _percent(share: float) -> str:
    return f"{100 * share:+.0f} %"


def _p(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _said(differences: Sequence[Difference]) -> str:
    """Which differences are shown; and of the others, that they are not excluded."""
    shown = [one for one in differences if one.shown]
    told = ", ".join(f"{MEASURE_WORDS[one.measure]} ({'more' if one.difference > 0 else 'less'})" for one in shown)
    few = [one for one in differences if one.too_few_to_differ and not one.shown]
    least = " and ".join(map(str, few[0].numbers)) if few else ""
    parts = [
        f"By two-sided tests (p), significantly different: {told}."
        if shown
        else "By two-sided tests (p), no difference is significant; that does not prove there is none."
    ]
    if few:
        parts.append(
            f"With {least} values no such test of means shows a difference, however large; with 4 and 4 it can."
        )
    return " ".join(parts)


def _series(sides: Sequence[Side]) -> Iterator[str]:
    """Each variant and path over time, a bar for its lost calls per rollout."""
    for variant, path in dict.fromkeys((side.variant, side.path) for side in sides):
        same = [side for side in sides if (side.variant, side.path) == (variant, path)]
        if len(same) < _SERIES:
            continue
        most = max(side.mean(Measure.FAILURES) or 0.0 for side in same)
        yield from _paragraph(f"{variant}, {path}, over time: lost calls per rollout")
        yield ""
        rows = [(_date(side.at), side.name, *_drawn(side, most)) for side in same]
        head = ("when (UTC)", "run", "dropping", "p99 ms", "lost", "")
        yield from _table(head, rows, ("left", "left", "right", "right", "right", "left"))
        yield ""


def _drawn(side: Side, most: float) -> tuple[str, str, str, str]:
    lost, p99, dropping = side.mean(Measure.FAILURES), side.mean(Measure.P99), side.values[Measure.DROPPING]
    bar = "#" * max(1 if lost else 0, round(_BAR * lost / most)) if lost and most else ""
    return (
        f"{round(sum(dropping))} of {len(dropping)}" if dropping else "-",
        "-" if p99 is None else f"{p99:.1f}",
        "-" if lost is None else f"{lost:,.4g}",
        bar,
    )


def _date(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}" if at > 0 else "not recorded"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str]) -> list[str]:
    cells = [[visible(cell) for cell in row] for row in (head, *rows)]
    rule, *lines = tabulate(cells, tablefmt="simple", colalign=align, disable_numparse=True).splitlines()
    return [line.rstrip() for line in (lines[0], rule, *lines[1:-1])]


def _paragraph(text: str, indent: str = "") -> list[str]:
    return wrap(visible(text), _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)
