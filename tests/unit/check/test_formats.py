"""One report in each of its forms: every finding, its place and its reason are in all of them."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from harness.check.formats import FORMATS, Format
from harness.check.report import Finding, PassedOver, Place, Report
from harness.model.result import Cause
from harness.spec.hazard import HazardId, Severity

HOSTILE = "a\x1b[2J\u202e,b: 100%\n::error::no"


def finding(**more: Any) -> Finding:
    given: dict[str, Any] = {
        "rule": "no-prestop",
        "severity": Severity.ERROR,
        "workload": "Deployment shop/web",
        "place": Place(file="deploy/a b.yaml", line=7),
        "wrong": "it stops",
        "found": "no preStop",
        "mend": "a preStop",
        "cause": Cause.TERMINATION_RACE,
    }
    return Finding(**(given | more))


REPORT = Report(
    findings=(
        finding(),
        finding(rule="lone-pod", severity=Severity.WARNING, place=Place(file=f"{HOSTILE}.yaml", line=2), found=HOSTILE),
        finding(rule="headless", severity=Severity.NOTE, cause=None, ignored="on purpose"),
        finding(place=Place(file="context:staging")),
    ),
    passed_over=(
        PassedOver(place=Place(file="logo.png"), why="it is no file"),
        PassedOver(place=Place(file="values.yaml", line=1), why="it is no file"),
        PassedOver(place=Place(file="given.yaml", line=3), why="it is broken", refused=True),
    ),
    workloads=4,
    files=2,
)

STRING, OBJECT = {"type": "string"}, {"type": "object"}
MESSAGE = {"type": "object", "required": ["text"], "properties": {"text": STRING}, "additionalProperties": False}
LOCATION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {"required": ["uri"], "properties": {"uri": {"format": "uri-reference"}}},
                "region": {"required": ["startLine"], "properties": {"startLine": {"type": "integer", "minimum": 1}}},
            },
            "additionalProperties": False,
        },
        "logicalLocations": {"type": "array", "items": {"required": ["fullyQualifiedName"]}},
    },
    "additionalProperties": False,
}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": STRING,
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "properties": {
                                    "name": STRING,
                                    "version": STRING,
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "required": ["id"],
                                            "properties": {
                                                "id": STRING,
                                                "shortDescription": MESSAGE,
                                                "fullDescription": MESSAGE,
                                                "help": MESSAGE,
                                                "defaultConfiguration": {"properties": {"level": LEVEL}},
                                                "properties": OBJECT,
                                            },
                                            "additionalProperties": False,
                                        },
                                    },
                                },
                                "additionalProperties": False,
                            }
                        },
                    },
                    "invocations": {
                        "items": {
                            "required": ["executionSuccessful"],
                            "properties": {
                                "toolExecutionNotifications": {
                                    "items": {
                                        "required": ["message"],
                                        "properties": {
                                            "message": MESSAGE,
                                            "level": LEVEL,
                                            "locations": {"items": LOCATION},
                                        },
                                        "additionalProperties": False,
                                    }
                                }
                            },
                        }
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {
                        "type": "array",
                        "items": {
                            "required": ["message"],
                            "properties": {
                                "ruleId": STRING,
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "level": LEVEL,
                                "message": MESSAGE,
                                "locations": {"type": "array", "items": LOCATION},
                                "partialFingerprints": {"additionalProperties": STRING},
                                "suppressions": {
                                    "items": {
                                        "required": ["kind"],
                                        "properties": {
                                            "kind": {"enum": ["inSource", "external"]},
                                            "justification": STRING,
                                        },
                                    }
                                },
                            },
                            "additionalProperties": False,
                        },
                    },
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
"""What sarif-v2.1.0 (OASIS, sections 3.13 to 3.54) requires and allows of the objects that are written here."""


def test_sarif_is_of_the_structure_that_the_standard_requires() -> None:
    document = json.loads(FORMATS[Format.SARIF](REPORT))
    jsonschema.Draft7Validator(SARIF).validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == [*HazardId, "unknown-field", "repeated-key", "bad-ignore"]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [one.rule for one in REPORT.findings]
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note", "error"]
    assert [bool(result.get("suppressions")) for result in run["results"]] == [False, False, True, False]
    first = run["results"][0]["locations"][0]["physicalLocation"]
    assert (first["artifactLocation"]["uri"], first["region"]["startLine"]) == ("deploy/a%20b.yaml", 7)
    assert "physicalLocation" not in run["results"][3]["locations"][0]  # what stands in a cluster has no file
    assert not run["invocations"][0]["executionSuccessful"]
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 3


def test_text_has_place_severity_rule_and_what_mends_it_and_is_harmless() -> None:
    lines = FORMATS[Format.TEXT](REPORT).splitlines()
    assert lines[0] == "deploy/a b.yaml:7: error: no-prestop: Deployment shop/web: it stops (no preStop)"
    assert lines[1] == "    needed: a preStop; it loses calls by termination-race"
    assert "deploy/a b.yaml:7: ignored: headless: Deployment shop/web: on purpose" in lines
    assert "passed over: logo.png, values.yaml:1: it is no file" in lines
    assert "given.yaml:3: error: cannot be checked: it is broken" in lines
    assert lines[-1] == "2 errors, 1 warning in 4 workloads of 2 files; 1 ignored; 1 cannot be checked; 2 passed over"
    assert all(line.isprintable() for line in lines)


def test_a_workflow_command_ends_where_it_should_whatever_the_names_are() -> None:
    commands = FORMATS[Format.GITHUB](REPORT).splitlines()
    assert commands[0] == (
        "::error file=deploy/a b.yaml,line=7,title=no-prestop::"
        "Deployment shop/web: it stops (no preStop). Needed: a preStop"
    )
    assert commands[1].startswith("::warning file=a\\x1b[2J\\u202e%2Cb%3A 100%25%0A%3A%3Aerror%3A%3Ano.yaml,line=2,")
    assert commands[3] == "::error file=given.yaml,line=3,title=cannot be checked::it is broken"
    assert [line.partition(" ")[0] for line in commands[:-1]] == ["::error", "::warning", *["::error"] * 2, "::notice"]
    assert all(line.isprintable() for line in commands)


def test_json_has_everything() -> None:
    document = json.loads(FORMATS[Format.JSON](REPORT))
    assert document["counts"] == {"error": 2, "warning": 1, "note": 0}
    assert [one["ignored"] for one in document["findings"]] == [None, None, "on purpose", None]
    assert [one["file"] for one in document["passed_over"]] == ["logo.png", "values.yaml", "given.yaml"]
