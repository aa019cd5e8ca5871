"""What of a budget was spent, and what that does to the exit code."""

from __future__ import annotations

from typing import Any

import pytest

from harness.analysis.budget import spent
from harness.analysis.experiment import judge_experiment
from harness.model.result import Latency, Outage, RolloutFindings, ScenarioResult, Verdict, Window
from harness.model.run import Expect
from harness.reporters.spent import spent_words


def rollout(
    number: int = 0,
    *,
    failed: int = 0,
    p99_ms: float | None = 20.0,
    complete: float | None = 5.0,
    outage_s: float = 0.0,
) -> RolloutFindings:
    latency = None if p99_ms is None else Latency(p50_ms=1.0, p99_ms=p99_ms, max_ms=900.0)
    outages = (Outage(stream="new", start=1.0, end=1.0 + outage_s, requests=failed),) if outage_s else ()
    return RolloutFindings(
        rollout=number,
        dropping=bool(failed),
        window=Window(start=0.0, end=10.0, requests=1000, failed=failed, latency=latency),
        update=0.0,
        complete=complete,
        settled=None,
        outages=outages,
    )


def result(budget: dict[str, float], *rollouts: RolloutFindings, verdict: Verdict = Verdict.SEAMLESS) -> ScenarioResult:
    return ScenarioResult(
        scenario="a", variant="a", path="clusterip", verdict=verdict, reason="", sentence="", expect=Expect.ANY,
        as_expected=True, requests=1000, failed=0, unsent=0, control=None, rollouts=rollouts, causes={}, by_outcome={},
        budget=spent(budget, rollouts),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "measured"),
    [("failed", 5.0), ("failed_ratio", 0.0025), ("outage", 0.4), ("p99_during", 0.3), ("rollout", 7.0)],
)
def test_each_limit_is_held_against_the_worst_rollout_or_against_all_of_them(name: str, measured: float) -> None:
    worst = rollout(1, failed=3, p99_ms=300.0, complete=7.0, outage_s=0.4)
    (kept,) = spent({name: measured}, [rollout(failed=2, outage_s=0.1), worst])
    assert kept.measured == pytest.approx(measured)
    assert not kept.exceeded
    (over,) = spent({name: measured * 0.99}, [rollout(failed=2, outage_s=0.1), worst])
    assert over.exceeded
    assert spent_words(over).endswith(": exceeded")


@pytest.mark.parametrize(("name", "found"), [("p99_during", rollout(p99_ms=None)), ("rollout", rollout(complete=None))])
def test_what_one_rollout_did_not_show_is_not_measured(name: str, found: Any) -> None:
    (one,) = spent({name: 100.0}, [rollout(), found])
    assert one.measured is None
    assert spent_words(one).endswith("not measured")


@pytest.mark.parametrize(
    ("budget", "rollouts", "code"),
    [
        ({"failed": 0}, [rollout()], 0),
        ({"failed": 0}, [rollout(failed=1)], 1),
        ({"failed": 1}, [rollout(failed=1)], 0),
        ({"rollout": 9.0}, [rollout(complete=None)], 3),
        ({"rollout": 9.0, "failed": 0}, [rollout(complete=None, failed=1)], 1),
        ({"failed": 0}, [], 3),
    ],
)
def test_more_than_the_budget_is_exit_code_1_and_what_was_not_measured_3(
    budget: dict[str, float], rollouts: list[RolloutFindings], code: int
) -> None:
    assert judge_experiment([result(budget, *rollouts)]).exit_code == code
