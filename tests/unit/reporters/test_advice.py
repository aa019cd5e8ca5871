"""Measured and recommended side by side; what is left with the advice applied."""

from dataclasses import replace

import pytest
import yaml

from harness.model.advice import Remedy
from harness.model.result import ExperimentResult, ScenarioResult, Verdict
from harness.model.run import RunInfo
from harness.reporters import advice
from harness.reporters.conclusions import cost
from harness.reporters.html import experiment_html, scenario_html
from harness.reporters.markdown import experiment_markdown, scenario_markdown
from harness.reporters.terminal import experiment_text, scenario_text

from .examples import BOTH, BOTH_INFO, DEFAULT, DEFAULT_INFO

FEW = "minimum 5 s until 59 rollouts have been observed, 3 so far"


def test_sizing_becomes_advice() -> None:
    pods = "the largest of 9 pods,"
    grace, step = "preStop 5 s + 1.0 s to stop", "one step takes 0.5 s to Ready"
    assert advice.advice(DEFAULT.sizing) == (
        ("preStop", "none", "1.02 s, the largest of 9 removal lags", "5 s", FEW),
        ("minReadySeconds", "0 s", "0.44 s, the largest of 9 addition lags", "5 s", FEW),
        ("terminationGracePeriodSeconds", "30 s", f"0.90 s, {pods} from deletion to end", "11 s", grace),
        ("progressDeadlineSeconds", "600 s", f"0.50 s, {pods} from creation to Ready", "42 s", step),
        ("time limit in CI", "none", "1.50 s, the largest of 3 rollouts", "57 s", "3 steps, 18 s in all"),
        ("a rollout takes (predicted)", "1.6 s", "1.50 s", "17.6 s", "3 replicas, 3 steps"),
    )


def test_what_no_seconds_cure_comes_first_among_the_changes() -> None:
    sizing = replace(DEFAULT.sizing, cure=("strategy: RollingUpdate",))
    assert advice.changes(sizing) == (
        "strategy: RollingUpdate",
        f"preStop 5 s (measured 1.02 s, the largest of 9 removal lags; {FEW})",
        f"minReadySeconds 5 s (measured 0.44 s, the largest of 9 addition lags; {FEW})",
    )


def hooked(*names: str, **inside: list[str]) -> tuple[RunInfo, ScenarioResult]:
    """The run and its result where a preStop belongs into these; `inside`: the names of all, by key of the spec."""
    spec = {key: [{"name": name} for name in given] for key, given in inside.items()}
    manifest = {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": spec}}}
    settings = replace(DEFAULT.sizing.application, hooked=names)
    result = replace(DEFAULT, sizing=replace(DEFAULT.sizing, application=settings))
    return replace(DEFAULT_INFO, target="deployment/web", manifests=(manifest,)), result


def test_where_two_containers_serve_the_hook_of_each_is_advised_by_name() -> None:
    info, result = hooked("web", "api", containers=["web", "log", "api"])
    assert advice.changes(result.sizing)[0].startswith("preStop 5 s in containers web and api (measured 1.02 s")
    assert advice.changes(result.sizing)[1].startswith("minReadySeconds 5 s (")
    assert "To fix it: preStop 5 s in containers web and api, minReadySeconds 5 s." in cost(info, result)
    assert "preStop 5 s in containers web and api" in " ".join(scenario_text(info, result).split())
    template = yaml.safe_load(advice.patch(info, result.sizing))["spec"]["template"]["spec"]
    hook = {"preStop": {"sleep": {"seconds": 5}}}
    assert template["containers"] == [{"name": name, "lifecycle": hook} for name in ("web", "api")]


def test_a_sidecar_that_serves_has_its_hook_where_it_stands() -> None:
    info, result = hooked("proxy", containers=["web"], initContainers=["migrate", "proxy"])
    assert advice.changes(result.sizing)[0].startswith("preStop 5 s in container proxy (")
    template = yaml.safe_load(advice.patch(info, result.sizing))["spec"]["template"]["spec"]
    assert [one["name"] for one in template["initContainers"]] == ["proxy"]
    assert "containers" not in template


def test_where_there_is_one_container_it_needs_no_name_but_in_the_patch() -> None:
    info, result = hooked(containers=["web"])
    assert advice.changes(result.sizing)[0].startswith("preStop 5 s (measured")
    assert '- name: "web"' in advice.patch(info, result.sizing)


def test_a_hook_that_does_something_else_sleeps_first_and_the_patch_leaves_one_handler() -> None:
    info, result = hooked(containers=["web"])
    (manifest,) = info.manifests
    quits = {"preStop": {"httpGet": {"path": "/quit", "port": 80}}}
    manifest["spec"]["template"]["spec"]["containers"][0]["lifecycle"] = quits
    settings = replace(result.sizing.application, has_prestop=True)
    sizing = replace(result.sizing, application=settings)
    assert advice.changes(sizing)[0].startswith("preStop 5 s, slept before what its hook does now (measured")
    (web,) = yaml.safe_load(advice.patch(info, sizing))["spec"]["template"]["spec"]["containers"]
    assert web["lifecycle"]["preStop"] == {"sleep": {"seconds": 5}, "httpGet": None}


LEFT = Remedy(cause="in-flight-kill", requests=18, needed="the application finishing", why="cut", by_settings=False)


def test_what_is_left_with_the_advice_applied_is_told_with_what_was_applied() -> None:
    left = replace(DEFAULT, sizing=replace(DEFAULT.sizing, remedies=(*DEFAULT.sizing.remedies, LEFT)))
    rest = "18 requests by in-flight-kill: cut. Needed: the application finishing"
    assert advice.remains(replace(DEFAULT_INFO, applied=("preStop 5 s", "minReadySeconds 5 s")), left) == (
        "applied: preStop 5 s, minReadySeconds 5 s",
        "what remains: 64 requests by termination-race: without a preStop hook a pod stops listening while requests "
        "are still sent to it. Needed: preStop 5 s",
        f"what remains: {rest}",
    )
    assert advice.remains(DEFAULT_INFO, left) == (f"no setting prevents every loss: {rest}",)
    assert advice.remains(DEFAULT_INFO, replace(left, verdict=Verdict.SEAMLESS)) == ()


@pytest.mark.parametrize("applied", [(), ("preStop 5 s",)], ids=["as it is", "with the advice"])
def test_what_is_needed_is_said_once(applied: tuple[str, ...]) -> None:
    sizing = replace(DEFAULT.sizing, cure=(LEFT.needed,), remedies=(LEFT,))
    info, left = replace(DEFAULT_INFO, applied=applied), replace(DEFAULT, sizing=sizing)
    assert advice.remains(info, left)[-1].endswith(": 18 requests by in-flight-kill: cut")
    for of in (scenario_text, scenario_markdown):
        flat = " ".join(of(info, left).split())
        assert "18 requests by in-flight-kill: cut" in flat
        told = flat.partition("ould have held")[2]
        assert "the application finishing" in told
        assert flat.count("Needed: the application finishing") == 0


def test_it_stands_at_the_terminal_and_in_both_reports() -> None:
    left = replace(DEFAULT, sizing=replace(DEFAULT.sizing, remedies=(LEFT,)))
    info = replace(DEFAULT_INFO, applied=("preStop 5 s",))
    whole = ExperimentResult(experiment="demo", scenarios=(left,), exit_code=1)
    told = (
        scenario_text(info, left),
        experiment_text(whole, {left.scenario: info}),
        scenario_markdown(info, left),
        experiment_markdown(whole, {left.scenario: info}),
        scenario_html(info, left),
        experiment_html(whole, {left.scenario: info}),
    )
    for text in told:
        flat = " ".join(text.split())
        assert "applied: preStop 5 s" in flat
        assert "what remains: 18 requests by in-flight-kill: cut. Needed: the application finishing" in flat


def test_what_would_have_held_stands_in_every_report_of_what_drops_and_in_no_other() -> None:
    sizing = replace(DEFAULT.sizing, cure=("the application answering as before",))
    left = replace(DEFAULT, sizing=sizing)
    seamless = replace(left, verdict=Verdict.SEAMLESS)
    preset = f"preStop 5 s (measured 1.02 s, the largest of 9 removal lags; {FEW})"
    assert advice.held(left)[:2] == ("the application answering as before", preset)
    assert advice.held(seamless) == ()
    for of in (scenario_text, scenario_markdown, scenario_html):
        flat, clean = (" ".join(of(DEFAULT_INFO, result).split()) for result in (left, seamless))
        told = flat[flat.index("ould have held") :]
        assert told.index("the application answering as before") < told.index(preset)
        assert "ould have held" not in clean


def test_no_words_of_ours_need_a_backslash_in_markdown() -> None:
    sizing = replace(DEFAULT.sizing, note="")
    result = replace(BOTH, sizing=sizing)
    text = scenario_markdown(BOTH_INFO, result)
    assert "churn: 200ms in the experiment" in text
    assert "\\" not in text
