"""Verdicts: what is dropping, what is seamless, and what cannot be told."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import polars as pl
import pytest

from harness.analysis import judge, judge_experiment, pool
from harness.model.result import ScenarioResult, Verdict
from harness.model.run import Confidence, Expect

from .literal import history

CLEAN = """
    update 8.0 complete 9.0 settled 9.8
    pod old-1 deleted 8.5 prestop 5 ended 13.8 gone 14
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.01 by new-1
"""
DROPPING = CLEAN.replace("prestop 5 ended 13.8 gone 14", "ended 8.8 gone 9") + "connect-refused new 8.6\n"


def verdict(text: str, **more: object) -> tuple[str, str]:
    result = judge(history(text, **more))
    return str(result.verdict), result.reason


def test_a_clean_rollout_is_seamless_with_its_bound() -> None:
    result = judge(history(CLEAN))
    assert result.verdict == Verdict.SEAMLESS
    assert result.sentence == "0 of 1 rollout dropped calls: with 95 % confidence, at most 95 % of rollouts drop calls"
    assert result.as_expected


def test_one_lost_call_with_a_shown_cause_is_dropping() -> None:
    assert verdict(DROPPING) == ("dropping", "termination-race: 1")


def test_more_failures_than_the_control_explains_are_dropping_without_a_cause() -> None:
    many = " ".join(f"{10 + n / 4:.2f}" for n in range(60))
    assert verdict(CLEAN + f"connect-timeout new {many}\n") == ("dropping", "cause not shown")


def test_one_burst_long_after_a_rollout_is_neither_the_rollouts_nor_nothing() -> None:
    burst = " ".join(f"{20 + n / 100}" for n in range(60))
    assert verdict(CLEAN + f"connect-timeout new {burst}\n") == ("inconclusive", "application-errors")


def test_connections_that_are_lost_one_by_one_convict_nobody() -> None:
    assert verdict(CLEAN + "connect-timeout new 20.0 20.5\n")[0] == "seamless"


def test_a_burst_while_the_rollout_goes_on_is_not_put_down_to_chance() -> None:
    assert verdict(CLEAN + "connect-timeout new 9.2 9.21 9.22 9.23\n") == ("inconclusive", "unknown")


def test_a_steady_background_of_errors_does_not_spoil_it() -> None:
    result = judge(history(CLEAN + "status new 0..30 every 0.5 by new-1\n"))
    assert result.verdict == Verdict.SEAMLESS
    assert "seamless above a background of 2 %" in result.sentence
    assert "would still have shown" in result.sentence


@pytest.mark.parametrize("seed", range(20))
def test_a_background_is_not_taken_for_a_fault_of_one_of_many_rollouts(seed: int) -> None:
    at = range(8, 88, 4)
    lines = [f"update {t} complete {t + 1} settled {t + 2}" for t in at]
    lines += [f"pod p-{t} created {t + 0.1} ready {t + 0.3} deleted {t + 4.4} prestop 1 ended {t + 5.8}" for t in at]
    luck = Random(seed)
    failed = " ".join(f"{n / 20:.2f}" for n in range(1760) if luck.random() < 0.02)
    run = history("\n".join([*lines, "ok new 0..88 every 0.05", f"status new {failed}"]))
    assert judge(run).verdict == Verdict.SEAMLESS


def test_a_new_version_that_answers_with_errors_is_never_seamless() -> None:
    assert verdict(CLEAN + "status new 9..30 every 0.1 by new-1\n") == ("inconclusive", "new-version-errors")


def test_a_few_errors_of_the_new_pods_alone_are_enough_where_answers_name_them() -> None:
    text = """
        update 8.0 complete 30 settled 36
        pod old-1 deleted 29 prestop 5 ended 35 gone 35.5
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 6..29 every 0.01 by old-1
        ok kept 9..12 every 0.01 by new-1
        ok new 29..40 every 0.1 by new-1
    """
    errors = "status kept 9.5 10 10.5 11 11.5 by new-1\n"
    assert verdict(text + errors) == ("inconclusive", "new-version-errors")
    assert verdict(text + errors.replace("new-1", "old-1")) == ("inconclusive", "short-control")


def test_errors_of_new_pods_that_end_are_told_as_a_warm_up() -> None:
    text = """
        update 8.0 complete 9 settled 14
        pod old-1 deleted 8.6 prestop 5 ended 13.7 gone 14
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..8.6 every 0.05 by old-1
        status new 8.5..10 every 0.05 by new-1
        ok new 10..30 every 0.05 by new-1
    """
    result = judge(history(text))
    assert result.reason == "new-version-errors"
    assert "only in the first 1.6 s after they were Ready" in result.sentence
    assert "must not be Ready until then" in result.sentence
    later = judge(history(text + "status new 25 by new-1\n"))
    assert "only in the first" not in later.sentence


def test_a_new_version_that_crashes_again_and_again_is_no_termination_race() -> None:
    """No pod is listed, and the crashed ones may still refuse: what nobody answers was not sent to a pod long gone."""
    text = """
        period 1
        update 8 complete 9 settled 15
        pod old-1 deleted 8.5 prestop 5 ended 13.7 gone 14.4
        pod new-1 revision r2 created 8.1 ready 8.4
        crash new-1 15.0 21.0
        ok new 0..8.5 every 0.05 by old-1
        ok new 8.6..15.0 every 0.05 by new-1
        connect-refused new 15.05..15.6 every 0.05
        connect-timeout new 15.7..17.5 every 0.05
        connect-refused new 17.55 18.6 19.7
        ok new 21.1..30 every 0.05 by new-1
    """
    result = judge(history(text))
    assert "termination-race" not in result.causes
    assert (result.verdict, result.reason) == ("inconclusive", "crash")


def test_failures_in_the_control_window_alone_are_not_the_rollouts() -> None:
    result = judge(history(CLEAN + "connect-timeout new 2.0 2.1 2.2\n"))
    assert result.verdict == Verdict.SEAMLESS
    assert result.control is not None
    assert result.control.failed == 3


def test_a_request_cut_by_the_rollout_counts_though_it_was_due_before() -> None:
    text = DROPPING.replace("connect-refused new 8.6", "eof-mid-response slow 7.0 until 8.6 by old-1")
    assert verdict(text) == ("dropping", "in-flight-kill: 1")


@pytest.mark.parametrize(
    ("text", "more", "reason"),
    [
        (CLEAN.replace("complete 9.0 settled 9.8", ""), {}, "rollout-incomplete"),
        (CLEAN + "undo 8.9\n", {}, "rollout-undone"),
        (CLEAN.replace("settled 9.8", ""), {}, "rollout-unsettled"),
        (CLEAN.replace("settled 9.8", "settled 29.5"), {}, "too-short"),
        (CLEAN.replace("created 8.1 ready 8.4", ""), {}, "nothing-rolled"),
        (CLEAN.replace("created 8.1 ready 8.4", "created 8.1"), {}, "nothing-rolled"),
        (CLEAN, {"finished": False}, "cut-short"),
        (CLEAN, {"planned_rollouts": 3}, "cut-short"),
        (CLEAN, {"confidence": Confidence(max_dropping=0.05, level=0.95)}, "confidence"),
        (CLEAN.replace("update 8.0 complete 9.0 settled 9.8", ""), {}, "no-rollout"),
        ("update 8.0 complete 9.0 settled 9.8\nok new 0..30 every 0.01", {}, "no-timeline"),
        (CLEAN.replace("ok new 0..30", "ok new 8..30"), {}, "no-control"),
    ],
)
def test_what_speaks_against_a_clean_run_is_said(text: str, more: dict[str, object], reason: str) -> None:
    assert verdict(text, **more) == ("inconclusive", reason)


def test_a_rollout_that_the_next_one_follows_at_once_is_told_as_that() -> None:
    """On the same clock as `CLEAN`: what the proxy still had to apply of the first, the second would hide."""
    second = "update 9.9 complete 11.0 settled 12.0\npod new-2 revision r3 created 10.0 ready 10.4\n"
    result = judge(history(CLEAN + second))
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "too-short")
    assert "the next one began 0.1 s after rollout 1 had settled" in result.sentence


def test_nothing_at_all_is_inconclusive() -> None:
    assert verdict("period 1") == ("inconclusive", "no-requests")


def test_not_one_good_answer_is_inconclusive() -> None:
    assert verdict(CLEAN.replace("ok new", "dns-error new"))[0] != "seamless"
    assert verdict(CLEAN.replace("ok new", "unsent new")) == ("inconclusive", "no-success")


def late(text: str, by_s: float, share: float = 1.0) -> ScenarioResult:
    run = history(text)
    due = pl.when(pl.int_range(pl.len()) < share * pl.len()).then(pl.col("scheduled") - by_s).otherwise("scheduled")
    return judge(replace(run, requests=run.requests.with_columns(scheduled=due)))


def test_a_late_generator_is_inconclusive() -> None:
    result = late(CLEAN, 0.2)
    assert (result.verdict, result.reason) == ("inconclusive", "load-generator")
    assert result.load["kept_schedule"] is False


def test_a_generator_a_little_late_is_trusted() -> None:
    assert late(CLEAN, 0.01).verdict == Verdict.SEAMLESS


def test_a_late_generator_does_not_hide_an_outage() -> None:
    assert late(DROPPING, 0.2).verdict == Verdict.DROPPING


def test_a_generator_slower_than_planned_is_inconclusive() -> None:
    assert verdict(CLEAN, streams={"new": 150.0}) == ("inconclusive", "load-generator")


def test_stale_entries_convict_nobody() -> None:
    text = CLEAN.replace("prestop 5 ended 13.8 gone 14", "ended 8.8 gone 9")
    text += "update 15 complete 16 settled 17\nconnect-timeout new 9.0 port 7000\nconnect-timeout new 9.01\n"
    text += "connect-timeout new 20.0 port 7000\n"
    result = judge(history(text))
    assert [rollout.dropping for rollout in result.rollouts] == [True, False]


def test_the_same_run_gives_the_same_result() -> None:
    assert judge(history(DROPPING)) == judge(history(DROPPING))


def scenario(expect: Expect, text: str, name: str = "a") -> ScenarioResult:
    return replace(judge(history(text, expect=expect, scenario=name, variant=name)))


@pytest.mark.parametrize(
    ("cases", "code"),
    [
        ([(Expect.SEAMLESS, CLEAN)], 0),
        ([(Expect.DROPPING, DROPPING), (Expect.SEAMLESS, CLEAN)], 0),
        ([(Expect.ANY, DROPPING), (Expect.ANY, CLEAN)], 0),
        ([(Expect.SEAMLESS, DROPPING)], 1),
        ([(Expect.DROPPING, CLEAN)], 1),
        ([(Expect.SEAMLESS, CLEAN), (Expect.DROPPING, CLEAN)], 1),
        ([(Expect.SEAMLESS, CLEAN + "undo 8.9\n")], 3),
        ([(Expect.DROPPING, CLEAN + "undo 8.9\n"), (Expect.SEAMLESS, CLEAN)], 3),
        ([], 3),
    ],
)
def test_exit_codes(cases: list[tuple[Expect, str]], code: int) -> None:
    assert judge_experiment([scenario(expect, text) for expect, text in cases]).exit_code == code


def test_without_a_negative_control_that_drops_nothing_is_seamless() -> None:
    result = judge_experiment([scenario(Expect.DROPPING, CLEAN, "default"), scenario(Expect.SEAMLESS, CLEAN, "both")])
    assert [one.verdict for one in result.scenarios] == [Verdict.INCONCLUSIVE] * 2
    assert {one.reason for one in result.scenarios} == {"negative-control"}
    assert "default" in result.notes[0]


def test_variants_are_compared_with_correction() -> None:
    names = {"a": DROPPING, "b": CLEAN, "c": CLEAN}
    found = judge_experiment([scenario(Expect.ANY, text, name) for name, text in names.items()]).comparisons
    assert [(one["a"], one["b"]) for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert all(one["p_holm"] >= one["p"] and not one["significant"] and one["needed"] == 3 for one in found)


def test_runs_of_one_variant_are_pooled() -> None:
    clean = scenario(Expect.SEAMLESS, CLEAN)
    pooled = pool([clean] * 3)
    assert pooled.sentence == "0 of 3 rollouts dropped calls: with 95 % confidence, at most 63 % of rollouts drop calls"
    assert [rollout.rollout for rollout in pooled.rollouts] == [0, 1, 2]
    assert pooled.requests == 3 * clean.requests
    assert [lag.rollout for lag in pooled.propagation.removal.pods] == [0, 1, 2]
    assert pooled.sizing.measured.rollouts == 3
    assert pool([clean, scenario(Expect.SEAMLESS, DROPPING)]).verdict == Verdict.DROPPING


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        (CLEAN + "undo 8.9\n", "rollout-undone", "rollout 1 was undone before it was complete"),
        (
            CLEAN.replace(" settled 9.8", "").replace(" gone 14", ""),
            "rollout-unsettled",
            "the old pods of rollout 1 were not seen to go",
        ),
    ],
)
def test_pooled_runs_in_doubt_say_the_doubt_and_no_bound(text: str, reason: str, words: str) -> None:
    doubtful, clean = scenario(Expect.SEAMLESS, text), scenario(Expect.SEAMLESS, CLEAN)
    both, one = pool([doubtful, doubtful]), pool([clean, doubtful, clean])
    assert both.reason == one.reason == doubtful.reason == reason
    assert doubtful.sentence == f"{words}; 0 of 1 rollout was seen to drop calls"
    assert both.sentence == f"in run 1 of 2: {words}; 0 of 2 rollouts were seen to drop calls"
    assert one.sentence == f"in run 2 of 3: {words}; 0 of 3 rollouts were seen to drop calls"


def test_pooled_runs_with_a_background_say_it() -> None:
    once = scenario(Expect.SEAMLESS, CLEAN + "status new 0..30 every 0.5 by new-1\n")
    pooled = pool([scenario(Expect.SEAMLESS, CLEAN), once, once])
    assert pooled.reason == once.reason == "no call was lost to a rollout above the background"
    assert pooled.sentence.startswith(
        "0 of 3 rollouts dropped calls: with 95 % confidence, at most 63 % of rollouts drop calls; "
        "in 2 of 3 runs requests failed beside the rollouts, in run 2: seamless above a background of 2 %"
    )


def test_a_pooled_reason_counts_the_causes_of_every_run() -> None:
    dropping = scenario(Expect.SEAMLESS, DROPPING)
    cause, _, number = dropping.reason.partition(": ")
    pooled = pool([dropping, scenario(Expect.SEAMLESS, CLEAN + "undo 8.9\n"), dropping])
    assert pooled.reason == f"{cause}: {2 * int(number)}"
    assert pooled.sentence.startswith("2 of 3 rollouts dropped calls: with 95 % confidence, at most")


def test_pooling_reaches_a_confidence_that_one_run_cannot() -> None:
    wanted = Confidence(max_dropping=0.5, level=0.9)
    runs = [judge(history(CLEAN, confidence=wanted))] * 4
    assert runs[0].reason == "confidence"
    assert pool(runs, confidence=wanted).verdict == Verdict.SEAMLESS
    short = pool(runs[:2], confidence=wanted)
    assert short.reason == "confidence"
    assert short.sentence == (
        "0 of 2 rollouts dropped calls: with 90 % confidence, at most 68 % of rollouts drop calls, and 50 % was asked "
        "for"
    )


def test_only_like_is_pooled() -> None:
    with pytest.raises(ValueError, match="one variant"):
        pool([scenario(Expect.ANY, CLEAN, "a"), scenario(Expect.ANY, CLEAN, "b")])
    with pytest.raises(ValueError, match="nothing"):
        pool([])


def test_a_connection_whose_first_packet_was_lost_says_nothing_of_when_that_was_sent() -> None:
    """While no pod is listed one packet is dropped; the next, a second later, finds the new pod."""
    text = """
        period 1
        update 8 complete 12 settled 15
        pod old-1 deleted 8.2 ended 8.6 gone 8.9
        pod new-1 revision r2 created 9 ready 11
        ok new 0..8.2 every 0.05
        connect-refused new 9.0..11.05 every 0.05
        ok new 11.2..30 every 0.05
    """
    run = history(text)
    first = (pl.col("started") - 12.0).abs() < 0.001
    again = run.requests.with_columns(
        connected=pl.when(first).then(12.0).otherwise("connected"),
        started=pl.when(first).then(10.95).otherwise("started"),
    )
    assert set(judge(replace(run, requests=again)).causes) == {"no-endpoints"}
