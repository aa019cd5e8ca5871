"""How long changes took to reach the client."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from harness.analysis import judge
from harness.analysis.advice.pooled import POOLED, POOLED_ELSEWHERE
from harness.analysis.advice.propagation import UNNAMED
from harness.model.advice import as_object
from harness.model.lags import Interval, Propagation, RolloutLag
from harness.model.paths import Hop, HopKind, Span, Targets

from ..literal import history

TEXT = """
    update 8.0 complete 9.0 settled 9.8
    pod old-1 deleted 8.5 prestop 5 ended 13.8 gone 14
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..9.25 every 0.01 by old-1
    ok new 9.25..30 every 0.01 by new-1
"""


def test_removal_is_the_last_new_connection_after_terminating() -> None:
    found = judge(history(TEXT)).propagation.removal
    (lag,) = found.pods
    assert (lag.pod, lag.rollout) == ("old-1", 0)
    assert lag.lag.earliest_s == pytest.approx(0.74, abs=1e-6)
    assert 0.74 < lag.lag.latest_s <= 0.77  # the next connection would have come 0.01 s or, of two pods, 0.02 s later
    assert found.by_rollout == (RolloutLag(rollout=0, n=1, max=lag.lag),)
    assert found.p50 == found.max == lag.lag


def test_a_pod_that_is_the_last_resort_while_it_terminates_has_not_left_the_list() -> None:
    """With no other ready, the proxy is to send to it until it ends: no preStop would shorten that."""
    recreated = """
        update 8.0 complete 13.5 settled 13.5
        pod old-1 deleted 8.5 prestop 3 ended 11.6 gone 11.8
        pod new-1 revision r2 created 11.9 ready 12.6
        ok new 0..11.5 every 0.01 by old-1
        ok new 13.0..30 every 0.01 by new-1
    """
    result = judge(history(recreated))
    (lag,) = result.propagation.removal.pods
    assert lag.since == pytest.approx(11.6)
    assert lag.lag is None or lag.lag.earliest_s < 0.2
    assert not any("overran" in note for note in result.notes)


def test_one_that_left_for_a_moment_and_is_the_last_resort_again_has_left_when_another_is_ready() -> None:
    """A drain: of two pods that terminate one after the other, the first is back in use with the second."""
    drained = """
        period 1
        update 8.0 complete 13.5 settled 13.5
        pod old-1 deleted 8.50 prestop 5 ended 13.6 gone 13.8
        pod old-2 deleted 8.53 prestop 5 ended 13.6 gone 13.8
        pod new-1 revision r2 created 8.6 ready 10.0
        ok new 0..10.65 every 0.02 by old-1
        ok new 0.01..10.65 every 0.02 by old-2
        ok new 10.65..30 every 0.01 by new-1
    """
    result = judge(history(drained))
    for lag in result.propagation.removal.pods:
        assert lag.since == pytest.approx(10.0)
        assert 0.6 <= lag.lag.earliest_s <= 0.65
    assert not any("overran" in note for note in result.notes)


def test_addition_is_the_first_request_after_ready() -> None:
    (lag,) = judge(history(TEXT)).propagation.addition.pods
    assert 0.82 <= lag.lag.earliest_s < 0.85 < lag.lag.latest_s <= 0.88


@pytest.mark.parametrize(("connected", "most_s"), [(7.9004, 0.03), (9.25, 0.9)])
def test_a_connection_whose_syn_was_sent_again_may_have_reached_the_pod_at_the_second_try(
    connected: float, most_s: float
) -> None:
    """It was sent before the pod was Ready: which of its SYNs the pod was sent is not known."""
    run = history(TEXT + "ok new 7.9 by new-1\n")
    tried = (pl.col("started") == 7.9) & (pl.col("pod") == "new-1")
    again = pl.when(tried).then(connected).otherwise("connected").alias("connected")
    (lag,) = judge(replace(run, requests=run.requests.with_columns(again))).propagation.addition.pods
    assert lag.lag.earliest_s == 0.0
    assert most_s - 0.1 < lag.lag.latest_s <= most_s


def test_a_refusal_by_a_pod_that_does_not_listen_yet_has_reached_it() -> None:
    text = TEXT.replace("ready 8.4", "ready 8.4 noprobe") + "connect-refused new 8.6..9.25 every 0.01\n"
    (lag,) = judge(history(text)).propagation.addition.pods
    assert 0.17 <= lag.lag.earliest_s < 0.2 < lag.lag.latest_s <= 0.23


TOGETHER = """
    update 8.0 complete 13 settled 14
    pod old-1
    pod new-1 revision r2 created 8.1 ready 8.4 noprobe
    pod new-2 revision r2 created 8.1 ready 8.5 noprobe
    ok new 0..30 every 0.02 by old-1
    connect-refused new 9.005..11 every 0.02
    ok new 11.005..30 every 0.02 by new-1
    ok new 12.015..30 every 0.02 by new-2
"""


def test_where_several_start_together_the_interval_has_all_that_may_have_been_the_first() -> None:
    """Either may have refused the one at 9.005; new-2 surely answered at 12.015, and new-1 a second before."""
    for lag, ready, answered in zip(
        judge(history(TOGETHER)).propagation.addition.pods, (8.4, 8.5), (11.005, 12.015), strict=True
    ):
        assert lag.lag.earliest_s <= 9.005 - ready
        assert answered - ready <= lag.lag.latest_s <= answered - ready + 0.05


def test_kept_connections_do_not_count_for_removal() -> None:
    found = judge(history(TEXT + "ok kept 11 12 13 by old-1 reused")).propagation.removal
    assert found.max.earliest_s == pytest.approx(0.74, abs=1e-6)


def test_a_failed_connection_counts_where_it_surely_went() -> None:
    text = TEXT.replace("prestop 5 ended 13.8 gone 14", "ended 9.3 gone 9.4") + "connect-timeout new 9.44 9.45\n"
    assert judge(history(text)).propagation.removal.max.earliest_s == pytest.approx(0.95, abs=1e-6)


TWO_GO = (
    TEXT.replace("prestop 5 ended 13.8 gone 14", "ended 9.3 gone 9.4")
    + """
    pod old-2 deleted 8.6 ended 9.3 gone 9.4
"""
)


def removal(text: str, pod: str) -> Interval:
    (lag,) = (lag for lag in judge(history(text)).propagation.removal.pods if lag.pod == pod)
    assert lag.lag is not None
    return lag.lag


def test_where_two_pods_are_possible_the_interval_has_both() -> None:
    lag = removal(TWO_GO + "connect-timeout new 9.44 9.45\n", "old-1")
    assert lag.earliest_s == pytest.approx(0.74, abs=1e-6)
    assert 0.95 <= lag.latest_s <= 0.98


def test_what_is_far_less_than_its_share_was_another_pods() -> None:
    """old-1 is gone at 9.3, and would have had every third connection; of seventy since then five went unanswered."""
    some = "connect-timeout new 9.346 9.496 9.646 9.796 9.946\n"
    assert 0.84 <= removal(TWO_GO + some, "old-1").latest_s < 1.4  # the fifth, at 1.45, cannot have been its own
    many = "connect-timeout new 9.336..9.96 every 0.03\n"
    assert removal(TWO_GO + many, "old-1").latest_s >= 1.4


def test_a_pod_that_was_never_sent_anything_has_no_lag_and_it_is_said() -> None:
    text = (
        TEXT
        + """
    pod old-3 deleted 9.0 ended 9.3 gone 9.4
    pod new-2 revision r2 created 8.2 ready 8.5
    """
    )
    found = judge(history(text)).propagation
    removed = {lag.pod: lag for lag in found.removal.pods}
    assert removed["old-3"].lag is None
    assert removed["old-3"].note == "no connection is known to have reached it"
    assert removed["old-1"].lag is not None
    assert not removed["old-1"].note
    assert {lag.pod: lag.lag is None for lag in found.addition.pods} == {"new-1": False, "new-2": True}
    assert (found.removal.n, found.addition.n) == (1, 1)
    (told,) = (pod for pod in as_object(found)["removal"]["pods"] if pod["pod"] == "old-3")
    assert (told["lag"], told["note"]) == (None, "no connection is known to have reached it")


def test_advice_rests_on_the_upper_end() -> None:
    text = TWO_GO + "connect-timeout new 9.44 9.45\n"
    result = judge(history(text))
    assert result.sizing.measured.removal_s == pytest.approx(result.propagation.removal.max.latest_s, abs=1e-3)


def test_several_workers_are_told_apart() -> None:
    run = history(TEXT)
    late = pl.col("started").is_between(9.0, 9.25)
    two = replace(run, requests=run.requests.with_columns(worker=pl.when(late).then(1).otherwise(0).cast(pl.Int64)))
    (lag,) = judge(two).propagation.removal.pods
    told = {worker: one.earliest_s for worker, one in lag.by_worker.items()}
    assert told == {"0": pytest.approx(0.49, abs=0.011), "1": pytest.approx(0.74, abs=0.011)}
    assert all(one.earliest_s < one.latest_s <= one.earliest_s + 0.03 for one in lag.by_worker.values())
    assert not judge(run).propagation.removal.pods[0].by_worker


def test_what_no_request_told_is_not_made_up() -> None:
    found = judge(history(TEXT.replace("by old-1", "").replace("by new-1", ""))).propagation
    lags = found.removal.pods + found.addition.pods
    assert [lag.lag for lag in lags] == [None, None]
    assert {lag.note for lag in lags} == {UNNAMED}
    assert found.removal.max is None


def test_refusals_of_one_of_two_pods_bound_the_lag_of_both() -> None:
    """Whichever of them refused, it listened no more: how long its other container goes on says nothing."""
    text = """
        period 1
        update 8 complete 9 settled 22
        pod old-1 deleted 8.5 ended 20.5 gone 20.8
        pod old-2 deleted 8.55 ended 20.5 gone 20.8
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..40 every 0.05
        connect-refused new 8.71 8.93 9.21
    """
    for pod in judge(history(text)).propagation.removal.pods:
        assert pod.lag.latest_s < 1.5


SLOW_FIRST = """
    update 8.0 complete 9.0 settled 14.5
    pod old-1 deleted 8.5 prestop 5 ended 13.8 gone 14
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.02 by old-2
    ok new 0.01..9.09 every 0.02 by old-1
    read-timeout new 8.3 9.105..15 every 0.02
    ok new 15.01..30 every 0.02 by new-1
"""


@pytest.mark.parametrize(("period", "most_s"), [("period 1", 1.5), ("period ?", 0.8)])
def test_slow_first_answers_are_in_the_interval_and_not_in_the_advice(period: str, most_s: float) -> None:
    """What was accepted since it was listed, and not answered in time, may have been its; at 8.3 it was not listed."""
    result = judge(history(period + SLOW_FIRST))
    (lag,) = result.propagation.addition.pods
    assert 0.65 <= lag.lag.earliest_s <= 0.705
    assert lag.lag.latest_s >= 6.6
    assert 0.705 <= result.sizing.measured.addition_s <= most_s
    assert result.sizing.min_ready_s.recommended == 5


POOLING = Hop(name="its own", kind=HopKind.REVERSE_PROXY, targets=Targets.UNKNOWN)
LATE = replace(POOLING, removal=Span(least_s=0.0, most_s=2.0), addition=Span(least_s=0.0, most_s=2.0))
HELD = """
    update 8.0 complete 9.0 settled 14.0
    pod old-1 prestop 5 deleted 8.5 ended 13.7 gone 14.0
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok kept 0..30 every 0.1 by old-2 reused
"""


def behind(text: str, hop: Hop) -> Propagation:
    found = judge(history(HELD + text, path="ingress", hops=(hop,))).propagation
    assert found is not None
    return found


def test_a_proxy_that_keeps_its_connections_to_a_pod_does_not_say_when_it_learnt_of_its_end() -> None:
    """It uses them for as long as the hook holds the pod: a longer hook would only make that longer."""
    to_the_end = behind("ok kept 0.05..13.4 every 0.1 by old-1 reused\nok kept 13.5..30 every 0.1 by new-1\n", POOLING)
    (old,), (new,) = to_the_end.removal.pods, to_the_end.addition.pods
    assert (old.lag, old.note) == (None, POOLED)
    assert (new.lag, new.note) == (None, POOLED_ELSEWHERE)
    left = behind("ok kept 0.05..10.4 every 0.1 by old-1 reused\nok kept 10.5..30 every 0.1 by new-1\n", POOLING)
    (old,), (new,) = left.removal.pods, left.addition.pods
    assert old.lag is not None
    assert old.lag.earliest_s <= 1.9 <= old.lag.latest_s
    assert new.lag is not None


def test_what_fails_after_the_pods_end_is_lateness_all_the_same() -> None:
    text = "ok kept 0.05..13.4 every 0.1 by old-1 reused\nstatus new 13.8..15 every 0.05 code 502\n"
    (old,) = behind(text + "ok kept 15..30 every 0.1 by new-1\n", LATE).removal.pods
    assert old.lag is not None
