"""Recorded rollouts on other ways in than the ClusterIP, and their truth -> how right each is judged, by case."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import accuracy_by_cause
from accuracy_by_cause import Pairs
from path_cases import cases, what_is_wrong

from harness.analysis import judge
from harness.model.result import Cause
from harness.store.reader import read_run


def table(folder: Path) -> tuple[str, bool, list[Pairs]]:
    """The Markdown table of what scripts/path_accuracy.py recorded, whether all verdicts are right, and the causes."""
    expected = json.loads((folder / "expected.json").read_text())
    lines = [
        "| case | verdict | rollouts that cost requests | failed, of a known cause | named right | wrong | unknown "
        "| true causes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    good, every = True, []
    for case in cases():
        if case.name not in expected or not (folder / case.name / "truth.csv").is_file():
            continue
        lost, whole = expected[case.name]["rollouts"], expected[case.name].get("whole", True)
        result = judge(read_run(folder / case.name))
        found = accuracy_by_cause.pairs(result, folder / case.name / "truth.csv")
        wrong = what_is_wrong(case, result.verdict, any(lost), whole=whole)
        good &= not wrong
        every.append(found)
        lines.append(f"| {case.name} | {result.verdict}{' (wrong)' if wrong else ''} | {_of(lost)} | {_cells(found)} |")
    return "\n".join(lines), good, every


def _of(lost: list[bool]) -> str:
    return f"{sum(lost)} of {len(lost)}"


def _cells(found: Pairs) -> str:
    true: Counter[str] = Counter()
    for (cause, _), number in found.items():
        true[cause] += number
    right = sum(number for (cause, named), number in found.items() if cause == named)
    unknown = sum(number for (_, named), number in found.items() if named == Cause.UNKNOWN)
    told = ", ".join(f"{cause} {number}" for cause, number in sorted(true.items()))
    whole = sum(true.values())
    return f"{whole} | {right} | {whole - right - unknown} | {unknown} | {told}"
