"""A run that is pooled with itself is the same run, twice as long: no mean changes, and every count doubles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis import judge, pool
from harness.model.result import ScenarioResult, Verdict
from harness.store.reader import read_run

SMALL = Path(__file__).parents[2] / "recordings"
NAMES = sorted(run.parent.name for run in SMALL.glob("*/run.json"))


@pytest.fixture(scope="module", params=NAMES)
def once(request: pytest.FixtureRequest) -> ScenarioResult:
    return judge(read_run(SMALL / request.param))


@pytest.fixture(scope="module")
def twice(once: ScenarioResult) -> ScenarioResult:
    return pool([once, once])


def test_there_are_recordings_with_failures_that_are_not_the_rollouts_own() -> None:
    found = [judge(read_run(SMALL / name)) for name in NAMES]
    assert any(r.dropping and r.own_failures < r.window.failed for result in found for r in result.rollouts)


def test_failures_per_rollout_stay_what_they_are(once: ScenarioResult, twice: ScenarioResult) -> None:
    mean = once.statistics["failed_per_rollout"]["mean"]
    assert twice.statistics["failed_per_rollout"]["mean"] == pytest.approx(mean)
    assert mean == pytest.approx(sum(r.own_failures for r in once.rollouts) / len(once.rollouts))


def test_the_words_of_the_verdict_are_kept_and_its_counts_doubled(once: ScenarioResult, twice: ScenarioResult) -> None:
    assert twice.verdict == once.verdict
    if once.verdict == Verdict.DROPPING and once.reason != "cause not shown":
        parts = [part.rpartition(": ") for part in once.reason.split(", ")]
        assert twice.reason == ", ".join(f"{cause}: {2 * int(number)}" for cause, _, number in parts)
    else:
        assert twice.reason == once.reason
    if once.verdict == Verdict.INCONCLUSIVE:
        assert once.sentence.partition(";")[0] in twice.sentence
        assert "at most" not in twice.sentence


def test_the_control_window_is_both_of_them(once: ScenarioResult, twice: ScenarioResult) -> None:
    assert once.control is not None
    assert twice.control is not None
    assert twice.control.requests == 2 * once.control.requests
    assert twice.control.failed == 2 * once.control.failed
    assert twice.control.end - twice.control.start == pytest.approx(2 * (once.control.end - once.control.start))
    assert [2 * s.requests for s in once.control.streams] == [s.requests for s in twice.control.streams]
    assert twice.control.latency == once.control.latency
    assert twice.control.by_cause == {cause: 2 * count for cause, count in once.control.by_cause.items()}


def test_the_load_is_both_of_them_at_the_same_rate(once: ScenarioResult, twice: ScenarioResult) -> None:
    assert twice.load["requests"] == 2 * once.load["requests"] == twice.requests
    assert twice.load["lag_ms"] == once.load["lag_ms"]
    assert twice.load["per_s"] == once.load["per_s"]
    assert twice.load["kept_schedule"] is once.load["kept_schedule"]


def test_a_schedule_that_one_run_did_not_keep_was_not_kept(once: ScenarioResult) -> None:
    late = {**once.load, "why": "it stood still for 1.2 s", "kept_schedule": False}
    late["lag_ms"] = {"p50": None, "p99": 9000.0, "max": 9000.0}
    load = pool([once, replace(once, load=late)]).load
    assert (load["kept_schedule"], load["why"], load["lag_ms"]["max"]) == (False, "it stood still for 1.2 s", 9000.0)
    assert load["lag_ms"]["p50"] == once.load["lag_ms"]["p50"]


def test_runs_without_a_control_window_or_facts_of_their_load_add_nothing(once: ScenarioResult) -> None:
    bare = replace(once, control=None, load={})
    assert pool([bare, bare]).control is None
    assert pool([bare, bare]).load == {}
    assert pool([once, bare]).load["requests"] == once.load["requests"]
