"""A report -> how much was found and looked at, in one line."""

from __future__ import annotations

from harness.check.report import Report
from harness.model.quantity import things
from harness.spec.hazard import Severity


def summary(report: Report) -> str:
    """As "2 errors, 1 warning in 3 workloads of 2 files; 1 ignored; 4 passed over"."""
    counted = [(report.count(severity), severity) for severity in Severity]
    found = ", ".join(things(number, severity.value) for number, severity in counted if number)
    files = f" of {things(report.files, 'file')}" if report.files else ""
    if report.workloads:
        head = f"{found or 'nothing wrong'} in {things(report.workloads, 'workload')}{files}"
    else:
        where = f" in {things(report.files, 'file')}" if report.files else ""
        head = "; ".join(filter(None, (found, f"nothing was checked: no workload that serves was found{where}")))
    refused = sum(each.refused for each in report.passed_over)
    rest = {
        "ignored": len(report.findings) - len(report.told),
        "cannot be checked": refused,
        "passed over": len(report.passed_over) - refused,
    }
    return "; ".join([head, *(f"{number} {word}" for word, number in rest.items() if number)])
