"""What no rollout answers for: that pods had lost their readiness is said where it left none."""

from __future__ import annotations

from harness.analysis import judge
from harness.model.result import ScenarioResult, Verdict

from ..literal import history

FLAPPING = """
    period 1
    update 8.0 complete 9.0 settled 9.8
    pod old-1 deleted 8.5 ended 8.8 gone 9.0
    pod new-1 revision r2 created 8.1 ready 8.4
    crash new-1 15.0 18.0
    ok new 0..8.4 every 0.05 by old-1
    ok new 8.4..16.4 every 0.05 by new-1
    connect-refused new 16.6..18.1 every 0.05
    ok new 18.2..30 every 0.05 by new-1
"""


def judged(*, crashes: bool) -> ScenarioResult:
    found = history(FLAPPING)
    for event in found.timeline:
        if not crashes and event.kind == "Pod":
            for status in event.object["status"].get("containerStatuses") or ():
                status["restartCount"] = 0
    return judge(found)


def test_pods_that_lost_their_readiness_are_told_of() -> None:
    result = judged(crashes=False)
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "uncharged")
    assert set(result.causes) == {"no-endpoints"}
    assert "no pod was Ready, for new-1 in service, which a rollout had brought, had lost readiness" in result.sentence


def test_a_crash_is_told_as_that() -> None:
    assert "lost readiness" not in judged(crashes=True).sentence
