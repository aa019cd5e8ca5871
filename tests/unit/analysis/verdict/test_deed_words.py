"""What was done is called by its name, in the verdict and in every report: a drain is no rollout."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from harness.analysis import judge, judge_experiment, pool
from harness.model.observation import Observation
from harness.model.result import ScenarioResult
from harness.model.run import Run
from harness.reporters.html import experiment_html
from harness.reporters.junit import experiment_junit
from harness.reporters.markdown import experiment_markdown, scenario_markdown
from harness.reporters.terminal import experiment_text, scenario_text
from harness.store.results import scenario_json

from ..literal import history

HISTORY = """
period 1
update 8.0 complete 9.0 settled 9.8
pod old-1 {how} deleted 8.1 ended 8.4 gone 8.5
pod old-2
pod new-1 created 8.2 ready 8.9
ok new 0..30 every 0.05 by old-2
"""
LOST = "connect-refused new 8.45 8.46"
OF_ROLLOUTS = (
    r"rollout-harness|scenario-0-rollouts|kubectl\s+rollout\s+status|a\s+step,\s+not\s+the\s+rollout"
    r"|a rollout takes \(predicted\)"
)
"""Words of the advice that do speak of rollouts, whatever was done in this run."""


def run(disruption: str | None, *lines: str, how: str = "evicted", **said: Any) -> Run:
    """A run in which it took old-1."""
    found = history(HISTORY.format(how=how) + "\n".join(lines))
    took = {"rollout": 0, "disruption": disruption}
    marks = [
        Observation(t=8.0, kind="Mark", type="update", object=took),
        Observation(t=8.05, kind="Mark", type="disruption", object={**took, **said}),
        Observation(t=8.06, kind="Mark", type="disruption", object={**took, "pods": [{"uid": "old-1"}]}),
    ]
    timeline = tuple(sorted((*found.timeline, *marks), key=lambda seen: seen.t))
    return replace(found, info=replace(found.info, disruption=disruption), timeline=timeline)


@pytest.mark.parametrize(
    ("disruption", "said", "sentence"),
    [
        ("drain", {"node": "worker-1"}, "1 of 1 drain of node worker-1 dropped calls"),
        ("evict", {}, "1 of 1 eviction dropped calls"),
        ("delete-pod", {}, "1 of 1 pod deletion dropped calls"),
        ("command", {}, "1 of 1 deploy dropped calls"),
        ("watch", {}, "1 of 1 rollout dropped calls"),
        (None, {}, "1 of 1 rollout dropped calls"),
    ],
)
def test_a_dropping_deed_is_named_by_what_it_is(disruption: str | None, said: dict[str, Any], sentence: str) -> None:
    how = {"evict": "evicted", "drain": "evicted", "delete-pod": "stranger"}.get(disruption or "", "")
    result = judge(run(disruption, LOST, how=how, **said))
    assert (result.verdict, result.sentence) == ("dropping", sentence)


@pytest.mark.parametrize(
    ("disruption", "one"), [("evict", "an eviction"), ("drain", "a drain"), ("image", "a rollout")]
)
def test_a_clean_one_is_too(disruption: str, one: str) -> None:
    how = "" if disruption == "image" else "evicted"
    result = judge(run(disruption, how=how))
    assert (result.verdict, result.reason) == ("seamless", f"no call was lost to {one}")
    assert (
        result.sentence
        == f"0 of 1 {one.split()[1]} dropped calls: with 95 % confidence, at most 95 % of {one.split()[1]}s drop calls"
    )


def test_several_runs_are_counted_in_the_same_words() -> None:
    lost, clean = judge(run("evict", LOST)), judge(run("evict"))
    assert (
        pool([lost, clean]).sentence
        == "1 of 2 evictions dropped calls: with 95 % confidence, at most 97 % of evictions drop calls"
    )
    assert pool([clean, clean]).reason == clean.reason
    nodes = [judge(run("drain", node=node)) for node in ("a", "b")]
    assert pool(nodes).sentence.startswith("0 of 2 drains dropped calls: with ")
    assert pool([nodes[0], nodes[0]]).sentence.startswith("0 of 2 drains of node a dropped calls: with ")


def reports(run: Run, result: ScenarioResult) -> dict[str, str]:
    info = run.info
    whole, infos = judge_experiment([result], experiment="web"), {result.scenario: info}
    return {
        "terminal": experiment_text(whole, infos) + scenario_text(info, result),
        "Markdown": experiment_markdown(whole, infos) + scenario_markdown(info, result),
        "JUnit": experiment_junit(whole, infos),
        "HTML": experiment_html(whole, infos),
    }


@pytest.mark.parametrize(
    "lines", [(LOST,), (), ("status new 12.0 12.05 by old-2",)], ids=["dropping", "clean", "in doubt"]
)
def test_no_report_calls_a_drain_a_rollout(lines: tuple[str, ...]) -> None:
    drained = run("drain", *lines, node="worker-1")
    for name, text in reports(drained, judge(drained)).items():
        own = re.sub(OF_ROLLOUTS, "", text)
        said = [own[max(0, at.start() - 60) : at.end() + 20] for at in re.finditer("(?i)rollout", own)]
        assert not said, name
        assert "drain" in text


def test_who_made_a_rollout_that_was_watched_is_in_every_report() -> None:
    seen = run("watch", by="argocd-controller")
    first, *others = (mark for mark in seen.timeline if mark.kind == "Mark" and mark.type == "update")
    assert not others
    first.object["by"] = "argocd-controller"
    result = judge(seen)
    assert result.rollouts[0].by == "argocd-controller"
    assert scenario_json(result)["rollouts"][0]["by"] == "argocd-controller"
    assert "by" not in scenario_json(judge(run("image")))["rollouts"][0]
    told = reports(seen, result)
    del told["JUnit"]
    assert {
        name: "rollout 1 by argocd-controller" in text.replace("\\-", "-") for name, text in told.items()
    } == dict.fromkeys(told, True)
