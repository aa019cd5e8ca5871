"""A report -> how much was found and looked at, in one line."""

from __future__ import annotations

from harness.check.report import Report
from harness.model.quantity import things
from harness.spec.hazard import Severity


def summary(report: Report) -> str:
    """As "2 errors, 1 warning in 3 workloads of 2 files; 1 ignored; 4 passed over"."""
    counted = [(report.count(severity), severity) for severity in Severity]
    found = ", ".join(things(number, severity.value) for number, severity in counted if number) or "nothing wrong"
    where = things(report.workloads, "workload")
    where += f" of {things(report.files, 'file')}" if report.files else ""
    ignored = len(report.findings) - len(report.told)
    rest = [f"{ignored} ignored"] * bool(ignored) + [f"{len(report.passed_over)} passed over"] * bool(
        report.passed_over
    )
    return "; ".join([f"{found} in {where}", *rest])
