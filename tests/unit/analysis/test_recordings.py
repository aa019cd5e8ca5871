"""Rollouts that were recorded on a real Kubernetes, with the kernel's truth of every connection."""

from __future__ import annotations

import pytest

from harness.analysis import judge
from harness.model.run import Run
from harness.store.reader import read_run

from .recordings import SHARED, accuracy, check_judgement, names, needs

RICH = SHARED / "rich"
CASES = names(RICH)

pytestmark = needs(CASES, RICH)


@pytest.fixture(scope="module", params=CASES)
def recording(request: pytest.FixtureRequest) -> tuple[str, Run]:
    return request.param, read_run(RICH / request.param)


@pytest.mark.parametrize("knowledge", list(accuracy.KNOWLEDGE))
def test_the_judgement_is_right(recording: tuple[str, Run], knowledge: str) -> None:
    name, run = recording
    check_judgement(RICH / name, run, knowledge)


# The rollouts of the others are undone, complete before the pods listen, or change the settings midway.
UNEVEN = ("rollback-midway", "no-probe-slowstart-1replica", "stale-conntrack-port-reuse")


@pytest.mark.parametrize("recording", [case for case in CASES if case not in UNEVEN], indirect=True)
def test_predicted_rollouts_take_about_as_long_as_the_real_ones(recording: tuple[str, Run]) -> None:
    _, run = recording
    predicted = judge(run).sizing.predicted_rollout_s
    assert predicted.observed == pytest.approx(predicted.have, rel=0.35, abs=2.0)
