"""Rollouts that were recorded on a real Kubernetes, with the kernel's truth of every connection."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from harness.analysis import judge
from harness.model.run import Run
from harness.store.reader import read_run

ROOT = Path(__file__).resolve().parents[3]
RICH = ROOT.parent / "shared" / "rich"
CASES = sorted(folder.name for folder in RICH.iterdir() if folder.is_dir()) if RICH.is_dir() else []

pytestmark = pytest.mark.skipif(not CASES, reason="the recordings are not beside the checkout (../shared/rich)")


@pytest.fixture(scope="module", params=CASES)
def recording(request: pytest.FixtureRequest) -> tuple[str, Run]:
    return request.param, read_run(RICH / request.param)


@pytest.mark.parametrize("knowledge", ["all", "a", "b", "c", "d"])
def test_the_judgement_is_right(accuracy: ModuleType, recording: tuple[str, Run], knowledge: str) -> None:
    name, run = recording
    expected = json.loads((RICH / "expected.json").read_text())[name]
    scored = accuracy.score(judge(accuracy.KNOWLEDGE[knowledge](run)), RICH / name, expected)
    assert scored.verdict_right, scored
    assert scored.rollouts_right == scored.rollouts == 3
    assert scored.wrong <= 0.02 * scored.failed
    assert scored.pods_wrong <= 0.02 * scored.failed
    if knowledge == "all":
        assert scored.right >= 0.95 * scored.failed
    if scored.lag_error_s is not None:
        assert scored.lag_error_s <= 0.1


# The rollouts of the others are undone, complete before the pods listen, or change the settings midway.
UNEVEN = ("rollback-midway", "no-probe-slowstart-1replica", "stale-conntrack-port-reuse")


@pytest.mark.parametrize("recording", [case for case in CASES if case not in UNEVEN], indirect=True)
def test_predicted_rollouts_take_about_as_long_as_the_real_ones(recording: tuple[str, Run]) -> None:
    _, run = recording
    predicted = judge(run).sizing["predicted_rollout_s"]
    assert predicted["observed"] == pytest.approx(predicted["have"], rel=0.35, abs=2.0)
