"""Results as plain text."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.result import ExperimentResult, ScenarioResult, Verdict
from harness.model.run import Expect
from harness.reporters.html import experiment_html, scenario_html
from harness.reporters.junit import experiment_junit
from harness.reporters.markdown import experiment_markdown, scenario_markdown
from harness.reporters.place import notes
from harness.reporters.terminal import experiment_text, scenario_text

from .examples import BOTH, BOTH_INFO, DEFAULT, DEFAULT_INFO, EXPERIMENT, HOSTILE, INFOS, filled_with


def experiment_of(result: ScenarioResult) -> ExperimentResult:
    return ExperimentResult(experiment="demo", scenarios=(result,), exit_code=0)


def test_experiment_is_as_it_was(golden: Callable[[str, str], None]) -> None:
    golden("experiment.txt", experiment_text(EXPERIMENT, INFOS))


def test_scenario_is_as_it_was(golden: Callable[[str, str], None]) -> None:
    golden("default.txt", scenario_text(DEFAULT_INFO, DEFAULT))


def test_sentence_with_its_bound_stands_in_both() -> None:
    assert DEFAULT.sentence in " ".join(experiment_text(EXPERIMENT, INFOS).split())
    assert BOTH.sentence in " ".join(scenario_text(BOTH_INFO, BOTH).split())


def test_detail_tells_what_dropped_when_and_why() -> None:
    text = " ".join(scenario_text(DEFAULT_INFO, DEFAULT).split())
    assert "first failure 0.34 s, last 1.41 s after the update" in text
    assert "outcomes: 46 connect-timeout, 18 connect-refused causes: 64 termination-race" in text
    assert "its kernel refused (observed)" in text


def test_what_was_not_seen_is_not_a_number() -> None:
    unfinished = replace(DEFAULT, rollouts=(replace(DEFAULT.rollouts[0], complete=None, settled=None),))
    assert "complete after not seen, settled after not seen" in " ".join(
        scenario_text(DEFAULT_INFO, unfinished).split()
    )


def test_plain_text_is_ascii_without_escapes() -> None:
    text = experiment_text(EXPERIMENT, INFOS) + scenario_text(DEFAULT_INFO, DEFAULT)
    assert text.isascii()
    assert "\x1b" not in text


def test_colour_changes_nothing_but_colour() -> None:
    coloured = experiment_text(EXPERIMENT, INFOS, colour=True)
    assert "\x1b[1;31mdropping\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == experiment_text(EXPERIMENT, INFOS)


@pytest.mark.parametrize("variant", ["default", "without-prestop-and-without-min-ready", "v" * 60])
@pytest.mark.parametrize("verdict", list(Verdict))
def test_table_fits_80_columns(variant: str, verdict: Verdict) -> None:
    result = replace(
        DEFAULT,
        variant=variant,
        verdict=verdict,
        path="loadbalancer:instance",
        as_expected=False,
        requests=1_234_567,
        failed=123_456,
        by_outcome={"reset-before-response": 12_345, "eof-before-response": 2, "connect-timeout": 98_765},
    )
    text = experiment_text(experiment_of(result), INFOS)
    assert max(map(len, text.splitlines())) <= 80
    assert "unexpected" in text
    assert "outcomes: 98,765 connect-timeout, 12,345 reset-before-response" in " ".join(text.split())
    table = text.partition("---\n")[2].partition("\n\n")[0]
    assert "connect-timeout" not in table  # where one has no room, none stands in the table, and none is broken


def test_names_and_outcomes_are_whole_where_there_is_room_and_numbers_end_in_one_column() -> None:
    outcomes = {"reset-before-response": 234, "connect-timeout": 7}
    result = replace(DEFAULT, variant="as-it-is-sized", failed=241, by_outcome=outcomes)
    text = experiment_text(experiment_of(result), INFOS)
    table = text.partition("---\n")[2].partition("\n\n")[0].splitlines()
    assert table[0].startswith("as-it-is-")  # broken at a hyphen, for it has no room
    assert any("234 reset-before-response" in line for line in table)
    first, timeout = table[0], next(line for line in table if "connect-timeout" in line)
    assert first.index("241") + 3 == timeout.index(" connect-timeout")
    header = next(line for line in text.splitlines() if line.startswith("variant"))
    assert header.index("rollouts") + len("rollouts") == first.index("3 of 3") + len("3 of 3")


@given(text=st.text() | st.sampled_from(HOSTILE))
def test_no_control_character_reaches_the_terminal(text: str) -> None:
    info, result = filled_with(text)
    for shown in (scenario_text(info, result), experiment_text(experiment_of(result), {text: info})):
        assert all(c.isprintable() for c in shown.replace("\n", ""))
        shown.encode("utf-8")


def test_a_verdict_is_unexpected_only_where_one_was_expected() -> None:
    unsure = replace(DEFAULT, verdict=Verdict.INCONCLUSIVE, as_expected=False)
    assert "unexpected" in experiment_text(experiment_of(replace(unsure, expect=Expect.SEAMLESS)), INFOS)
    assert "unexpected" not in experiment_text(experiment_of(replace(unsure, expect=Expect.ANY)), INFOS)


@pytest.mark.parametrize(
    ("verdict", "churn_s", "period_s", "said"),
    [
        (Verdict.SEAMLESS, None, 1.0, True),
        (Verdict.SEAMLESS, None, None, True),
        (Verdict.SEAMLESS, 0.2, 1.0, False),
        (Verdict.SEAMLESS, None, 0.0, False),
        (Verdict.DROPPING, None, 1.0, False),
    ],
    ids=["quiet", "quiet, period unknown", "churned", "no period", "not clean"],
)
def test_a_clean_verdict_says_that_it_rests_on_quiet(
    verdict: Verdict, churn_s: float | None, period_s: float | None, said: bool
) -> None:
    proxy = replace(BOTH_INFO.cluster.proxy, min_sync_period_s=period_s)
    info = replace(BOTH_INFO, churn_s=churn_s, cluster=replace(BOTH_INFO.cluster, proxy=proxy))
    result = replace(BOTH, verdict=verdict)
    whole, infos = experiment_of(result), {BOTH.scenario: info}
    reports = [
        experiment_text(whole, infos),
        scenario_text(info, result),
        experiment_markdown(whole, infos),
        scenario_markdown(info, result),
        experiment_html(whole, infos),
        scenario_html(info, result),
        experiment_junit(whole, infos),
    ]
    words = (*notes(info, result), "")[len(BOTH.notes)]
    assert ("measured without churn" in words) is said
    for report in reports:
        text = " ".join(report.replace("\\`", "`").split())
        face = text.partition("<dl")[0]  # in HTML without what stands in the details
        assert ("measured without churn: after quiet" in face) is said
        assert words in face
