"""What a verdict says of readiness gates that were counted on."""

from __future__ import annotations

import math

from harness.analysis.observed.gates import GatedPod, gated_pods
from harness.analysis.verdict.gates import told
from harness.analysis.verdict.verdict import RolloutAccount, conclusion
from harness.model.observation import Observation
from harness.spec.readiness_gates import Opening
from tests.unit.spec.test_readiness_gates import AWS_GATE, pod

ASKED = "the namespace's label elbv2.k8s.aws/pod-readiness-gate-inject"


def gated(name: str, *, wrong: str = "", after_s: float | None = 15.0, has: bool = True) -> GatedPod:
    opened = {} if after_s is None or not has else {AWS_GATE: (10.0 + after_s, _opening(wrong))}
    return GatedPod(uid=name, name=name, gates=(AWS_GATE,) if has else (), up=10.0, opened=opened)


def _opening(wrong: str) -> Opening:
    return Opening(gate=AWS_GATE, by=("controller",), wrong=wrong)


def test_gates_that_were_injected_and_opened_by_their_controller_are_a_note_and_no_more() -> None:
    note, shortfall = told([gated("a"), gated("b", after_s=45.0)], ASKED, by_node=False)
    assert shortfall == ""
    assert note == (
        "2 new pods had readiness gates, opened by controller 15.0 to 45.0 s after the containers were ready"
    )


def test_gates_that_silently_were_not_injected_are_told_with_what_may_have_kept_them_away() -> None:
    note, shortfall = told([gated("a"), gated("b", has=False)], ASKED, by_node=False)
    assert shortfall == f"{ASKED} counts on readiness gates, and 1 of 2 new pods had none"
    assert "TargetGroupBinding" in note
    note, _ = told([gated("b", has=False)], ASKED, by_node=True)
    assert "targets are nodes" in note


def test_a_gate_that_opened_for_another_reason_than_a_healthy_target_is_told() -> None:
    pods = [gated("a", wrong="it was set by hand (kubectl-edit)"), gated("b")]
    assert told(pods, "", by_node=False)[1] == (
        "the readiness gates of 1 of 2 new pods opened without a healthy target (it was set by hand (kubectl-edit))"
    )


def test_the_verdict_s_sentence_says_what_was_missing_whatever_the_verdict_is() -> None:
    for failures in (0, 3):
        said = conclusion([RolloutAccount(rollout=0, own_failures=failures)], shortfall="it had no gates")
        assert said.sentence.endswith("; but it had no gates")
        assert "gates" not in said.reason


def test_when_a_gate_opened_is_when_the_watch_first_showed_it() -> None:
    closed, opened = pod(AWS_GATE, status="False"), pod(AWS_GATE)
    for each in (closed, opened):
        each["metadata"]["uid"] = "u"
    events = [
        Observation(t=t, kind="Pod", type="MODIFIED", object=shown) for t, shown in ((5.0, closed), (20.0, opened))
    ]
    (found,) = gated_pods(events)
    assert (found.up, found.opened[AWS_GATE][0], found.healthy) == (5.0, 20.0, 20.0)
    (still,) = gated_pods(events[:1])
    assert (still.opened, still.healthy) == ({}, math.inf)
    assert gated("a", wrong="it was set by hand").healthy == math.inf
