"""A report -> GitHub's workflow commands, which stand in a pull request on the lines that they are about.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
"""

from __future__ import annotations

from harness.check.formats.counts import summary
from harness.check.report import Finding, Report
from harness.inputs.shown import printable
from harness.spec.hazard import Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def workflow_commands(report: Report) -> str:
    """A command for each finding, one for all that was passed over, and the summary, which is no command."""
    lines = [_command(finding) for finding in report.told]
    if report.passed_over:
        passed = "\n".join(f"{each.place}: {each.why}" for each in report.passed_over)
        lines.append(f"::notice title=passed over::{_data(passed)}")
    return "\n".join([*lines, printable(summary(report))])


def _command(finding: Finding) -> str:
    place = {"file": finding.place.file, "line": finding.place.line, "title": finding.rule}
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in place.items() if value is not None)
    return f"::{_COMMANDS[finding.severity]} {properties}::{_data(f'{finding.sentence}. Needed: {finding.mend}')}"


def _data(text: str) -> str:
    """With what would end the message or the line escaped; no other control character."""
    lines = (printable(line) for line in text.split("\n"))
    return "%0A".join(line.replace("%", "%25").replace("\r", "%0D") for line in lines)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
