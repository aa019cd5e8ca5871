"""A report -> SARIF 2.1.0, which code scanning services and editors read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; what GitHub takes of it:
https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

import harness
from harness.check.ignores import BAD_IGNORE, NEEDED
from harness.check.oddities import ODDITIES
from harness.check.report import Finding, PassedOver, Place, Report
from harness.check.sources import STANDARD_INPUT_NAME
from harness.spec.hazard import Row, Severity
from harness.spec.hazards import HAZARDS

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(report: Report) -> str:
    """One run, with all rules of the table; what is ignored is a result that is suppressed in its source."""
    odd = (_told(rule, wrong, wrong, mend, Severity.WARNING) for rule, (wrong, mend) in ODDITIES.items())
    rules = [*(_rule(row) for row in HAZARDS), *odd, _bad_ignore()]
    places = {rule["id"]: number for number, rule in enumerate(rules)}
    notifications = [_notification(each) for each in report.passed_over]
    run = {
        "tool": {"driver": {"name": "rollout-harness", "version": harness.__version__, "rules": rules}},
        "invocations": [{"executionSuccessful": not report.is_bad_input, "toolExecutionNotifications": notifications}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, places[finding.rule]) for finding in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(row: Row) -> dict[str, Any]:
    tags = ["kubernetes", "rollout", *([row.cause.value] if row.cause else [])]
    source = f" {row.source}" if row.source.startswith("https:") else ""
    return {
        "id": row.id.value,
        "shortDescription": {"text": row.wrong},
        "fullDescription": {"text": row.why or row.wrong},
        "help": {"text": f"{row.why}{source}".strip() or row.wrong},
        "defaultConfiguration": {"level": row.severity.value},
        "properties": {"tags": tags},
    }


def _bad_ignore() -> dict[str, Any]:
    full = f"A comment that ignores a rule names it and says why: {NEEDED}"
    return _told(BAD_IGNORE, "a comment ignores nothing", full, NEEDED, Severity.ERROR)


def _told(rule: str, short: str, full: str, mend: str, severity: Severity) -> dict[str, Any]:
    """A rule that is none of the table."""
    return {
        "id": rule,
        "shortDescription": {"text": short},
        "fullDescription": {"text": full},
        "help": {"text": mend},
        "defaultConfiguration": {"level": severity.value},
        "properties": {"tags": ["kubernetes", "rollout"]},
    }


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    identity = f"{finding.rule} {finding.workload} {finding.found}"
    found: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "level": finding.severity.value,
        "message": {"text": f"{finding.sentence}. Needed: {finding.mend}"},
        "locations": [_location(finding.place, finding.workload)],
        "partialFingerprints": {"workloadAndValues/v1": sha256(identity.encode()).hexdigest()[:32]},
    }
    if finding.ignored:
        found["suppressions"] = [{"kind": "inSource", "justification": finding.ignored}]
    return found


def _location(place: Place, workload: str = "") -> dict[str, Any]:
    """Where it is; what stands in a cluster has no file."""
    found: dict[str, Any] = {}
    if place.line is not None or not place.file.startswith("context:"):
        found["physicalLocation"] = {
            "artifactLocation": {"uri": _uri(place.file)},
            "region": {"startLine": place.line or 1},
        }
    name = " in ".join(filter(None, (workload, "" if found else place.file)))
    if name:
        found["logicalLocations"] = [{"fullyQualifiedName": name, "kind": "resource"}]
    return found


def _uri(file: str) -> str:
    if file == STANDARD_INPUT_NAME:
        return file
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path))  # which need not be UTF-8


def _notification(each: PassedOver) -> dict[str, Any]:
    level = "error" if each.refused else "note"
    said = "cannot be checked" if each.refused else "passed over"
    return {"level": level, "message": {"text": f"{said}: {each.why}"}, "locations": [_location(each.place)]}
