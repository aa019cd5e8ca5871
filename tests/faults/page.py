"""Rows and what was seen of them -> docs/reliability.md, which nobody writes by hand."""

from __future__ import annotations

from dataclasses import dataclass

from .fault import Fault, Group
from .holding import Seen

HEAD = """\
# Reliability

What a run does when something goes wrong around it. Every row below is a fault that was injected into a real run on the
embedded sandbox: a rolling update of nginx under 100 requests/s. "Drops calls": as most deploy it; "drops none": with a
preStop and minReadySeconds. `make faults` injects them all again and writes this page; it is never edited by hand.

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


def written(lines: list[Line]) -> str:
    """The page."""
    kinds = {each.name for each in lines if each.group != Group.NONE}
    held = sum(not each.wrong for each in lines)
    text = [HEAD, f"{len(kinds)} kinds of fault, {len(lines)} rows: {held} hold.\n"]
    for group in Group:
        rows = [each for each in lines if each.group == group]
        if rows:
            text += [f"## {group[0].upper()}{group[1:]}\n", _table(rows)]
    return "\n".join(text)


def _table(rows: list[Line]) -> str:
    head = (
        "| fault | phase | application | must hold | seen | failed of requests | holds |\n|---|---|---|---|---|---|---|"
    )
    order = sorted(rows, key=lambda each: (each.name, each.phase, each.app))
    return "\n".join([head, *map(_line, order), ""])


def _line(each: Line) -> str:
    judged = "no verdict" if each.verdict == "none" else each.verdict
    reason = f" ({each.reason})" if each.reason and each.verdict == "inconclusive" else ""
    ended = "" if each.ended_s is None else f", ended after {each.ended_s:.0f} s"
    left = f", left {len(each.left)} namespace" if each.left else ""
    holds = "yes" if not each.wrong else "**no**: " + "; ".join(wrong[:200] for wrong in each.wrong)
    cells = [
        f"`{each.name}`: {each.what}",
        each.phase,
        each.app,
        each.must,
        f"{judged}{reason}, exit {each.code}{ended}{left}",
        f"{each.failed} of {each.requests}",
        holds,
    ]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
