"""A preStop hook that fails holds nothing, and a report says so: no manifest shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.analysis import judge
from harness.model.observation import Observation
from harness.model.result import ScenarioResult

from ..literal import history

ROLLOUT = """
    update 8.0 complete 9.0 settled 15
    pod old-1 deleted 8.5 {prestop} ended {ended} gone 14.5
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..8.5 every 0.01 by old-2
    ok new 10..40 every 0.01 by new-1
    {failures}
"""
LOST = "connect-refused new 8.6 8.61 8.62"
TOLD = "PreStopHook failed: command '/bin/sleeep 5' exited with 127"


def _result(
    at: float = 8.52,
    *,
    container: str = "web",
    message: str = TOLD,
    prestop: str = "prestop 5",
    ended: float = 8.7,
    failures: str = LOST,
) -> ScenarioResult:
    run = history(ROLLOUT.format(prestop=prestop, ended=ended, failures=failures))
    involved = {"kind": "Pod", "uid": "old-1", "fieldPath": f"spec.containers{{{container}}}"}
    failed: dict[str, Any] = {"reason": "FailedPreStopHook", "message": message, "involvedObject": involved}
    event = Observation(t=at, kind="Event", type="ADDED", object=failed)
    return judge(replace(run, timeline=(*run.timeline, event)))


def _notes(result: ScenarioResult) -> str:
    return " | ".join(result.notes)


@pytest.mark.parametrize(
    ("message", "words"), [(TOLD, " (command '/bin/sleeep 5' exited with 127)"), ("PreStopHook failed", "")]
)
def test_it_is_noted_in_the_kubelets_words(message: str, words: str) -> None:
    told = f"the preStop hook failed in 1 of 1 pod that stopped{words}: the stop signal came at once, as without a hook"
    assert told in _result(message=message).notes


def test_what_cures_it_is_a_hook_that_does_not_fail_though_its_seconds_would_do() -> None:
    sizing = _result().sizing
    assert sizing is not None
    assert sizing.cure == (
        "a preStop hook that does not fail, such as sleep, which needs no program of the image (Kubernetes >= 1.30)",
    )
    (remedy,) = sizing.remedies
    assert remedy.why == "the preStop hook of 1 pod failed, and the stop signal came at once"
    assert not remedy.by_settings


def test_a_hook_that_was_cut_off_at_the_end_of_the_grace_period_had_held_until_then() -> None:
    result = _result(at=38.6, ended=38.7, failures="")
    assert "preStop hook failed" not in _notes(result)


def test_a_hook_of_a_container_that_does_not_serve_is_none_of_its_business() -> None:
    assert "preStop hook failed" not in _notes(_result(container="logs"))


def test_a_hook_that_stops_the_server_ends_with_it_and_has_not_failed() -> None:
    """The kubelet says that it failed: its container was gone."""
    run = history(ROLLOUT.format(prestop="prestop 5", ended=8.7, failures=LOST))
    hook = {"exec": {"command": ["/bin/sh", "-c", "kill -TERM 1; sleep 5"]}}
    for event in run.timeline:
        if event.kind == "Pod":
            for container in event.object["spec"]["containers"]:
                container["lifecycle"] = {"preStop": hook}
    involved = {"kind": "Pod", "uid": "old-1", "fieldPath": "spec.containers{web}"}
    failed: dict[str, Any] = {"reason": "FailedPreStopHook", "message": "exited with -9", "involvedObject": involved}
    event = Observation(t=8.7, kind="Event", type="ADDED", object=failed)
    result = judge(replace(run, timeline=(*run.timeline, event)))
    assert "hook failed" not in _notes(result)
    assert result.sizing is not None
    assert not any("does not fail" in words for words in result.sizing.cure)
