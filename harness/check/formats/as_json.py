"""A report -> JSON for programs."""

from __future__ import annotations

import json
from typing import Any

from harness.check.report import Finding, PassedOver, Report
from harness.spec.hazard import Severity

VERSION = 1


def as_json(report: Report) -> str:
    """All of it: `findings` with those that are ignored, which have a reason in `ignored`."""
    document = {
        "version": VERSION,
        "workloads": report.workloads,
        "files": report.files,
        "counts": {severity.value: report.count(severity) for severity in Severity},
        "findings": [_finding(each) for each in report.findings],
        "passed_over": [_passed(each) for each in report.passed_over],
    }
    return json.dumps(document, indent=2)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "file": finding.place.file,
        "line": finding.place.line,
        "workload": finding.workload,
        "wrong": finding.wrong,
        "found": finding.found,
        "cause": finding.cause.value if finding.cause else None,
        "mend": finding.mend,
        "ignored": finding.ignored or None,
    }


def _passed(each: PassedOver) -> dict[str, Any]:
    return {"file": each.place.file, "line": each.place.line, "why": each.why, "refused": each.refused}
