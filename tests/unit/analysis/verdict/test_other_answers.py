"""Answers with a good status that only pods give that stop, or have just started: no run with them is called clean."""

from __future__ import annotations

import pytest

from harness.analysis import judge
from harness.model.result import ScenarioResult, Verdict
from harness.model.run import RequestFacts

from ..literal import history, nameless

ROLLOUT = """
    period 1
    update 8 complete 9 settled 13
    pod old-1 deleted 8.5 ended 12.5 gone 12.8
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..8 every 0.05 by old-1 size 11
    ok new 0.02..30 every 0.05 by old-2 size 11
"""
NEW = "ok new 9..30 every 0.05 by new-1 size 11\n"


def judged(more: str, *, blank: bool = False) -> ScenarioResult:
    text = ROLLOUT + more
    return judge(history(nameless(text) if blank else text))


def test_pods_that_answer_as_ever_until_they_end_are_no_doubt() -> None:
    assert judged(NEW + "ok new 8..9 every 0.05 by old-1 size 11\n").verdict == Verdict.SEAMLESS


@pytest.mark.parametrize("blank", [False, True], ids=["named", "blank"])
def test_other_bodies_of_stopping_pods_are_a_doubt(blank: bool) -> None:
    result = judged(NEW + "ok kept 8.7..9.5 every 0.05 by old-1 size 25\n", blank=blank)
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "other-answers")
    assert "16 answers of pods as they stopped had a good status" in result.doubts[0]


@pytest.mark.parametrize("blank", [False, True], ids=["named", "blank"])
def test_a_redirect_by_stopping_pods_alone_is_a_doubt_though_it_counts_as_a_success(blank: bool) -> None:
    result = judged(NEW + "ok kept 8.7..9.5 every 0.05 by old-1 size 11 code 302\n", blank=blank)
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "other-answers")
    assert "16 answers of pods as they stopped had a status that counts as a success" in result.doubts[0]
    assert "(most often 302, not 200, on stream kept)" in result.doubts[0]


def test_statuses_that_pods_in_service_give_too_are_no_doubt() -> None:
    redirects = "ok kept 0.3..30 every 0.05 by old-2 size 11 code 302\n"
    stopping = "ok kept 8.7..9.5 every 0.05 by old-1 size 11 code 302\n"
    assert judged(NEW + redirects + stopping).verdict == Verdict.SEAMLESS


def test_a_body_that_ended_with_its_connection_and_is_shorter_is_a_doubt() -> None:
    result = judged(NEW + "ok new 8.7 8.72 8.74 by old-1 size 4\n")
    assert result.reason == "other-answers"
    assert "(most often 4 bytes, not 11, on stream new)" in result.doubts[0]


def test_other_bodies_of_pods_that_have_just_started_are_a_doubt() -> None:
    starting = "ok new 8.5..10 every 0.05 by new-1 size 30\nok new 10..30 every 0.05 by new-1 size 11\n"
    result = judged(starting)
    assert result.reason == "other-answers"
    assert "30 answers of pods just after they were Ready" in result.doubts[0]


@pytest.mark.parametrize("blank", [False, True], ids=["named", "blank"])
def test_a_new_version_may_answer_otherwise(blank: bool) -> None:
    assert judged(NEW.replace("size 11", "size 300"), blank=blank).verdict == Verdict.SEAMLESS


def test_where_every_body_was_looked_at_sizes_say_nothing() -> None:
    looked_at = (RequestFacts(method="GET", path="/", contains=True),)
    shorter = history(ROLLOUT + NEW + "ok new 8.7 8.72 8.74 by old-1 size 4\n", requests=looked_at)
    assert judge(shorter).verdict == Verdict.SEAMLESS


def test_bodies_of_many_lengths_are_no_doubt() -> None:
    """Each size comes once or twice, from whomever: what has not been seen before says nothing."""
    text = ROLLOUT.replace("ok new 0.02..30 every 0.05 by old-2 size 11", "")
    many = "".join(f"ok new {n * 0.1 + 0.02:.2f} by old-2 size {100 + 37 * n % 1009}\n" for n in range(300))
    stopping = "".join(f"ok new {8.5 + n * 0.1:.2f} by old-1 size {1200 + n}\n" for n in range(6))
    assert judge(history(text + NEW + many + stopping)).verdict == Verdict.SEAMLESS


AGEING = """
    period 1
    update 12 complete 13 settled 17
    pod old-1 deleted 12.5 ended 16.5 gone 16.8
    pod old-2
    pod old-3
    pod new-1 revision r2 created 12.1 ready 12.4
    ok new 0..10 every 0.05 by old-1 size 19
    ok new 10..13 every 0.05 by old-1 size 20
    ok new 0.01..9.7 every 0.05 by old-2 size 19
    ok new 9.71..40 every 0.05 by old-2 size 20
    ok new 0.02..9.8 every 0.05 by old-3 size 19
    ok new 9.82..40 every 0.05 by old-3 size 20
"""
"""Each body has its pod's age in milliseconds."""

YOUNG = "ok new 12.5..13.3 every 0.05 by new-1 size 18\n"
OLDER = "ok new 13.3..22.4 every 0.05 by new-1 size 19\nok new 22.4..40 every 0.05 by new-1 size 20\n"


def test_bodies_that_grow_with_the_age_of_every_pod_are_no_doubt() -> None:
    assert judge(history(AGEING + YOUNG + OLDER)).verdict == Verdict.SEAMLESS


@pytest.mark.parametrize(
    "young",
    [
        "ok new 12.5..13.3 every 0.05 by new-1 size 12\n",
        "ok new 12.5..13.3 every 0.05 by new-1 size 30\n",
        YOUNG + "ok new 13.31 13.32 by new-1 size 4\n",
        YOUNG + "ok new 14.2 by new-1 size 18\n",
    ],
    ids=["much-shorter", "longer", "some-cut", "out-of-order"],
)
def test_what_is_no_growth_stays_a_doubt_where_others_grow(young: str) -> None:
    assert judge(history(AGEING + young + OLDER)).reason == "other-answers"


def test_one_step_after_the_start_alone_may_be_an_error_and_is_said_to_be_a_number_or_that() -> None:
    """Nothing grew in service."""
    starting = "ok new 8.5..10 every 0.05 by new-1 size 10\nok new 10..30 every 0.05 by new-1 size 11\n"
    result = judged(starting)
    assert result.reason == "other-answers"
    assert "an error in the body, a body that was cut, or a number in it with a digit more or less" in result.doubts[0]
    assert "(request.contains tells them apart)" in result.doubts[0]


def test_a_start_that_lasts_as_long_as_what_follows_is_no_number_that_grows() -> None:
    long = "ok new 12.5..14.45 every 0.05 by new-1 size 18\nok new 14.45..15.5 every 0.05 by new-1 size 19\n"
    assert judge(history(AGEING + long + "ok new 15.5..40 every 0.05 by new-1 size 20\n")).reason == "other-answers"


def test_what_pods_answer_as_they_stop_is_no_growth_though_it_is_one_byte_longer() -> None:
    stopping = "ok kept 12.6..13.5 every 0.05 by old-1 size 21\nok kept 0..12 every 0.05 by old-2 size 20\n"
    assert judge(history(AGEING + YOUNG + OLDER + stopping)).reason == "other-answers"


SORRY = "ok new 8.9..9.5 every 0.05 size 30\n"


def test_answers_that_no_pod_gave_are_a_doubt_as_pods_stop() -> None:
    """What stands before the pods may turn its own 503 into a page with status 200."""
    result = judged(NEW + SORRY)
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "other-answers")
    assert "12 answers that named no pod, as the others do, had a good status and a size" in result.doubts[0]


@pytest.mark.parametrize(
    "more",
    [
        SORRY.replace("size 30", "size 11"),  # a pod that forgot its name
        SORRY + "ok new 1..7 every 0.5 size 30\n",  # that came before too
        "ok new 9.02..30 every 0.05 size 30\n",  # a new version that gives no name
    ],
)
def test_answers_without_a_name_as_there_are_at_other_times_are_none(more: str) -> None:
    assert judged(NEW + more).verdict == Verdict.SEAMLESS
