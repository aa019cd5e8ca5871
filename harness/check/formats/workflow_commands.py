"""A report -> GitHub's workflow commands, which stand in a pull request on the lines that they are about.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
"""

from __future__ import annotations

from harness.check.formats.counts import summary
from harness.check.report import Finding, PassedOver, Place, Report
from harness.inputs.shown import printable
from harness.spec.hazard import Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def workflow_commands(report: Report) -> str:
    """A command for each finding, each broken manifest and for all that was passed over; the summary is none."""
    lines = [_command(finding) for finding in report.told]
    lines += [_refused(each) for each in report.passed_over if each.refused]
    if rest := [each for each in report.passed_over if not each.refused]:
        passed = "\n".join(f"{each.place}: {each.why}" for each in rest)
        lines.append(f"::notice title=passed over::{_data(passed)}")
    return "\n".join([*lines, printable(summary(report))])


def _command(finding: Finding) -> str:
    words = f"{finding.sentence}. Needed: {finding.mend}"
    return _written(_COMMANDS[finding.severity], finding.place, finding.rule, words)


def _refused(each: PassedOver) -> str:
    return _written("error", each.place, "cannot be checked", each.why)


def _written(command: str, place: Place, title: str, words: str) -> str:
    named = {"file": place.file, "line": place.line, "title": title}
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in named.items() if value is not None)
    return f"::{command} {properties}::{_data(words)}"


def _data(text: str) -> str:
    """With what would end the message or the line escaped; no other control character."""
    lines = (printable(line) for line in text.split("\n"))
    return "%0A".join(line.replace("%", "%25").replace("\r", "%0D") for line in lines)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
