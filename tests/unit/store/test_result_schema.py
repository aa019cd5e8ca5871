"""The JSON Schema of result.json, held against results of real runs, whole and damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.judged_runs import judge_again
from harness.store.result_schema import result_schema

RECORDINGS = Path(__file__).parents[2] / "recordings"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = result_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """By path, of two runs and of both as one experiment."""
    out = tmp_path_factory.mktemp("out")
    judge_again([RECORDINGS / "default-3replicas-sync1s", RECORDINGS / "app-errors"], out)
    return {str(path.relative_to(out)): json.loads(path.read_text()) for path in out.rglob("result.json")}


def test_results_are_as_the_schema_says(validator: Draft202012Validator, results: dict[str, Any]) -> None:
    assert len(results) == 3
    assert {path: [error.message for error in validator.iter_errors(one)] for path, one in results.items()} == {
        path: [] for path in results
    }


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("verdict",), "fine"),
        (("failed",), "none"),
        (("rollouts", 0, "dropping"), None),
        (("rollouts", 0, "latency"), {"p50_ms": 1.0}),
        (("propagation", "removal", "pods", 0), {"pod": "web-1"}),
        (("sizing", "prestop_s", "recommended"), "5 s"),
        (("chart", "pods", 0, "taker"), "nobody"),
    ],
)
def test_what_is_none_is_found(
    validator: Draft202012Validator, results: dict[str, Any], place: tuple[Any, ...], value: Any
) -> None:
    broken = json.loads(json.dumps(results["default-3replicas-sync1s/result.json"]))
    at = broken
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    assert not validator.is_valid(broken)
    whole = json.loads(json.dumps(results["result.json"]))
    whole["scenarios"].append(broken)
    assert not validator.is_valid(whole)
