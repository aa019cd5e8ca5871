"""Results as JUnit XML, held against the structure that Jenkins, GitLab and GitHub's readers share."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.model.budget import Spent
from harness.model.result import ExperimentResult, ScenarioResult, Verdict
from harness.model.run import Expect
from harness.reporters.escaping import visible
from harness.reporters.junit import experiment_junit

from .examples import BOTH, BOTH_INFO, DEFAULT, EXPERIMENT, HOSTILE, INFOS, filled_with

INTEGER, SECONDS, STAMP, ANY = r"\d+", r"\d+\.\d+", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", r"[\s\S]*"
SCHEMA: dict[str, tuple[dict[str, str], str]] = {
    # element: its attributes ("!" = required), and its children in order, as a regular expression
    "testsuites": (
        {"name": ANY, "tests": INTEGER, "failures": INTEGER, "errors": INTEGER, "time": SECONDS},
        r"(testsuite )*",
    ),
    "testsuite": (
        {
            "name!": ANY,
            "tests!": INTEGER,
            "failures": INTEGER,
            "errors": INTEGER,
            "skipped": INTEGER,
            "time": SECONDS,
            "timestamp": STAMP,
        },
        r"(properties )?(testcase )*(system-out )?(system-err )?",
    ),
    "properties": ({}, r"(property )+"),
    "property": ({"name!": ANY, "value!": ANY}, r""),
    "testcase": (
        {"name!": ANY, "classname!": ANY, "time": SECONDS},
        r"(skipped |error |failure )?(system-out )?(system-err )?",
    ),
    "failure": ({"message": ANY, "type": ANY}, r""),
    "error": ({"message": ANY, "type": ANY}, r""),
    "system-out": ({}, r""),
}


def assert_valid(element: ElementTree.Element) -> None:
    attributes, children = SCHEMA[element.tag]
    kinds = {name.rstrip("!"): pattern for name, pattern in attributes.items()}
    assert all(name.rstrip("!") in element.attrib for name in attributes if name.endswith("!")), element.attrib
    for name, value in element.attrib.items():
        assert re.fullmatch(kinds[name], value), (element.tag, name, value)
    assert re.fullmatch(children, "".join(f"{child.tag} " for child in element)), [c.tag for c in element]
    for child in element:
        assert_valid(child)


def junit(*scenarios: ScenarioResult) -> ElementTree.Element:
    root = ElementTree.fromstring(
        experiment_junit(ExperimentResult(experiment="x", scenarios=scenarios, exit_code=0), INFOS)
    )
    assert_valid(root)
    return root


def test_experiment_is_as_it_was(golden: Callable[[str, str], None]) -> None:
    golden("junit.xml", experiment_junit(EXPERIMENT, INFOS))


def test_what_was_expected_passes() -> None:
    root = junit(DEFAULT, BOTH)
    assert [case.get("name") for case in root.iter("testcase")] == ["default", "both"]
    assert root.find(".//failure") is None
    assert root.find(".//error") is None


def test_unexpected_dropping_fails_with_reason_and_numbers() -> None:
    root = junit(replace(DEFAULT, expect=Expect.SEAMLESS, as_expected=False), BOTH)
    assert root.find("testsuite[@failures='1'][@errors='0'][@tests='2']") is not None
    (failure,) = root.iter("failure")
    assert failure.get("type") == "dropping"
    assert failure.get("message") == f"dropping, not as expected: seamless expected: {DEFAULT.sentence}"
    text = failure.text or ""
    assert DEFAULT.reason in text
    assert "failed: 221 of 4,395 requests" in text
    assert "170 connect-timeout, 51 connect-refused" in text


def test_an_exceeded_budget_fails_whatever_the_verdict() -> None:
    spent = (Spent(name="p99_during", limit=0.25, measured=0.3121), Spent(name="failed", limit=5, measured=0))
    as_expected = replace(BOTH, as_expected=True, budget=spent)
    undecided = replace(as_expected, verdict=Verdict.INCONCLUSIVE, as_expected=False)
    for result in (as_expected, undecided):
        root = junit(result)
        assert root.find("testsuite[@failures='1'][@errors='0']") is not None
        (failure,) = root.iter("failure")
        assert (failure.get("message") or "").endswith("; budget: p99_during 312ms, at most 250ms: exceeded")
        assert "budget: p99_during 312ms, at most 250ms: exceeded" in (failure.text or "")


def test_a_budget_that_was_kept_passes() -> None:
    root = junit(replace(BOTH, as_expected=True, budget=(Spent(name="failed", limit=5, measured=5),)))
    assert root.find(".//failure") is None


def test_inconclusive_is_an_error_not_a_failure() -> None:
    root = junit(replace(BOTH, verdict=Verdict.INCONCLUSIVE, as_expected=False))
    assert root.find("testsuite[@failures='0'][@errors='1']") is not None
    assert root.find(".//error[@type='inconclusive']") is not None


def test_no_scenario_at_all_is_still_valid() -> None:
    assert junit().find("testsuite[@tests='0']") is not None


def test_properties_are_those_that_all_scenarios_share() -> None:
    other = {"default": INFOS["default"], "both": replace(BOTH_INFO, target="deployment/other")}
    root = ElementTree.fromstring(experiment_junit(EXPERIMENT, other))
    assert root.find(".//property[@name='cluster'][@value='sandbox']") is not None
    assert root.find(".//property[@name='target']") is None


@given(text=st.text() | st.sampled_from(HOSTILE))
def test_any_text_comes_back_as_text(text: str) -> None:
    info, result = filled_with(text)
    experiment = ExperimentResult(experiment=text, scenarios=(replace(result, as_expected=False),), exit_code=1)
    root = ElementTree.fromstring(experiment_junit(experiment, {text: info}).encode("utf-8"))
    assert_valid(root)
    assert root.find(".//testcase").get("name") == visible(text)  # type: ignore[union-attr]
    assert f"reason: {visible(text)}" in (root.find(".//failure").text or "")  # type: ignore[union-attr]
