"""Where the control window and the rollouts lie."""

from __future__ import annotations

from harness.analysis.observed.windows import windows
from harness.model.observation import Observation
from harness.model.run import RolloutMarks, RunInfo

INFO = RunInfo(experiment="e", scenario="s", variant="v")


def mark(t: float, name: str, **details: object) -> Observation:
    return Observation(t=t, kind="Mark", type=name, object=dict(details))


def test_a_rollout_lasts_until_the_next_update() -> None:
    info = RunInfo(
        experiment="e",
        scenario="s",
        variant="v",
        control=(0.0, 5.0),
        rollouts=(RolloutMarks(rollout=0, update=5.0, complete=7.0), RolloutMarks(rollout=1, update=20.0)),
    )
    found = windows(info, (), 0.0, 30.0)
    assert [(span.update, span.end) for span in found.rollouts] == [(5.0, 20.0), (20.0, float("inf"))]
    assert found.control == (0.0, 5.0)
    assert found.at(4.9) is None
    assert found.at(25.0) == found.rollouts[1]


def test_marks_win_where_run_json_lags_behind() -> None:
    marks = (mark(1, "control-start"), mark(6, "control-end"), mark(6, "update", rollout=0), mark(9, "complete"))
    found = windows(INFO, marks, 0.5, 12.0)
    assert found.control == (1, 6)
    assert [(span.update, span.complete, span.settled) for span in found.rollouts] == [(6, 9, None)]


def test_without_a_control_on_record_it_is_the_time_before_the_first_update() -> None:
    assert windows(INFO, (mark(6, "update"),), 0.5, 12.0).control == (0.5, 6)


def test_without_any_time_before_the_first_update_there_is_no_control() -> None:
    assert windows(INFO, (mark(6, "update"),), 6.0, 12.0).control is None


def test_a_control_that_reaches_into_the_rollout_ends_with_its_update() -> None:
    info = RunInfo(
        experiment="e", scenario="s", variant="v", control=(0, 9), rollouts=(RolloutMarks(rollout=0, update=5),)
    )
    assert windows(info, (), 0.0, 12.0).control == (0, 5)


def test_an_undo_marks_its_rollout() -> None:
    found = windows(INFO, (mark(6, "update"), mark(9, "undo"), mark(10, "complete"), mark(20, "update")), 0.0, 30.0)
    assert [span.undone for span in found.rollouts] == [True, False]
