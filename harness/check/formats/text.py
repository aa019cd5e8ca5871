"""A report -> lines for a terminal, an editor or a CI log: FILE:LINE: severity: rule, and below it what mends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.check.formats.counts import summary
from harness.check.report import Finding, PassedOver, Report
from harness.inputs.shown import printable


def text(report: Report) -> str:
    """All of it; harmless to a terminal whatever the names in it are."""
    return "\n".join(printable(line) for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield from _of(finding)
    yield from (f"{each.place}: error: cannot be checked: {each.why}" for each in report.passed_over if each.refused)
    for why, passed in _by_reason(each for each in report.passed_over if not each.refused).items():
        places = ", ".join(str(each.place) for each in passed)
        yield f"passed over: {places}: {why}"
    yield summary(report)


def _of(finding: Finding) -> Iterator[str]:
    if finding.ignored:
        yield f"{finding.place}: ignored: {finding.rule}: {finding.workload}: {finding.ignored}"
        return
    yield f"{finding.place}: {finding.severity}: {finding.rule}: {finding.sentence}"
    loses = f"; it loses calls by {finding.cause}" if finding.cause else ""
    yield f"    needed: {finding.mend}{loses}"


def _by_reason(passed: Iterable[PassedOver]) -> dict[str, list[PassedOver]]:
    """Those with one reason on one line: a folder of pictures is named, and takes no screen."""
    found: dict[str, list[PassedOver]] = {}
    for each in passed:
        found.setdefault(each.why, []).append(each)
    return found
