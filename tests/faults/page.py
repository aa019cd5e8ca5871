"""Rows and what was seen of them -> docs/reliability.md, which nobody writes by hand."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from .fault import Fault, Group
from .holding import Seen

HEAD = """\
# Reliability

What a run does when something goes wrong around it. Every row below is a fault that was injected into a real run on the
embedded sandbox: a rolling update of nginx under 100 requests/s. "Drops calls": as most deploy it; "drops none": with a
preStop and minReadySeconds. `make faults` injects them all again and writes this page, which is never edited by hand; a
row that is injected by itself (`RELIABILITY_PAGE=docs/reliability.md pytest tests/faults -k NAME`) takes its own place.

Of every run it is asked: is the verdict still right, or in doubt? Are the records whole? Is the load gone within 30 s,
and is whatever is left on the cluster named? Is nothing left on the machine? Does it end in time, with the right exit
code, and without a stack trace? A row "holds" where all of them are answered with yes.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row with what was seen of it, as it travels from the process that ran it."""

    name: str
    group: str
    phase: str
    what: str
    app: str
    must: str
    verdict: str
    reason: str
    code: int | None
    requests: int
    failed: int
    ended_s: float | None
    left: list[str]
    wrong: list[str]


def line(fault: Fault, found: Seen) -> Line:
    """The line of a row."""
    return Line(
        name=fault.name,
        group=fault.group,
        phase=fault.phase,
        what=fault.what,
        app=fault.app,
        must=str(fault.holds),
        verdict=found.verdict,
        reason=found.reason,
        code=found.code,
        requests=found.requests,
        failed=found.failed,
        ended_s=found.ended_s,
        left=found.left,
        wrong=found.wrong,
    )


Key = tuple[str, str, str]
"""By what rows are told apart, and in which order they stand: the fault in words, phase, application."""


def written(lines: list[Line], before: str = "", known: Container[Key] = frozenset()) -> str:
    """The page. A row that did not run stands as in the page `before`, as long as it is one of the `known`."""
    rows = {(group, key): row for group, key, row in _stood(before) if key in known}
    rows |= {(each.group, key_of(each)): _line(each) for each in lines}
    kinds = {key[0].partition(":")[0] for group, key in rows if group != Group.NONE}
    held = sum(row.endswith(_HOLDS) for row in rows.values())
    text = [HEAD, f"{len(kinds)} kinds of fault, {len(rows)} rows: {held} hold.\n"]
    for group in Group:
        ours = sorted((key, row) for (its, key), row in rows.items() if its == group)
        if ours:
            text += [_heading(group), "\n".join([_COLUMNS, *(row for _, row in ours), ""])]
    return "\n".join(text)


def key_of(each: Line | Fault) -> Key:
    """The first cells of its row."""
    return f"`{each.name}`: {each.what}".replace("|", "\\|"), str(each.phase), str(each.app)


_COLUMNS = (
    "| fault | phase | application | must hold | seen | failed of requests | holds |\n|---|---|---|---|---|---|---|"
)
_HOLDS = "| yes |"
_CELL = re.compile(r"(?<!\\) ?\| ?")


def _heading(group: str) -> str:
    return f"## {group[0].upper()}{group[1:]}\n"


def _stood(page: str) -> Iterator[tuple[str, Key, str]]:
    """Group, key and text of the rows of a page."""
    group = ""
    for row in page.splitlines():
        if row.startswith("## "):
            group = next((each for each in Group if _heading(each).strip() == row), "")
        elif row.startswith("| `") and group:
            _, what, phase, app, *_ = _CELL.split(row)
            yield group, (what, phase, app), row


def _line(each: Line) -> str:
    judged = "no verdict" if each.verdict == "none" else each.verdict
    reason = f" ({each.reason})" if each.reason and each.verdict == "inconclusive" else ""
    ended = "" if each.ended_s is None else f", ended after {each.ended_s:.0f} s"
    left = f", left {len(each.left)} namespace" if each.left else ""
    holds = "yes" if not each.wrong else "**no**: " + "; ".join(wrong[:200] for wrong in each.wrong)
    cells = [
        each.must,
        f"{judged}{reason}, exit {each.code}{ended}{left}",
        f"{each.failed} of {each.requests}",
        holds,
    ]
    told = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return "| " + " | ".join([*key_of(each), *told]) + " |"
