"""How long changes took to reach the client."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from harness.analysis import judge
from harness.model.advice import RolloutLag

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
    assert lag.lag_s == pytest.approx(0.74, abs=1e-6)
    assert lag.resolution_s <= 0.03
    assert found.by_rollout == (RolloutLag(rollout=0, n=1, max_s=lag.lag_s),)


def test_addition_is_the_first_request_after_ready() -> None:
    (lag,) = judge(history(TEXT)).propagation.addition.pods
    assert lag.lag_s == pytest.approx(0.85, abs=1e-6)


def test_a_refusal_by_a_pod_that_does_not_listen_yet_has_reached_it() -> None:
    text = TEXT.replace("ready 8.4", "ready 8.4 noprobe") + "connect-refused new 8.6..9.25 every 0.01\n"
    (lag,) = judge(history(text)).propagation.addition.pods
    assert lag.lag_s == pytest.approx(0.2, abs=1e-6)


def test_kept_connections_do_not_count_for_removal() -> None:
    found = judge(history(TEXT + "ok kept 11 12 13 by old-1 reused")).propagation.removal
    assert found.max_s == pytest.approx(0.74, abs=1e-6)


def test_a_failed_connection_counts_where_it_surely_went() -> None:
    text = TEXT.replace("prestop 5 ended 13.8 gone 14", "ended 9.3 gone 9.4") + "connect-timeout new 9.44 9.45\n"
    assert judge(history(text)).propagation.removal.max_s == pytest.approx(0.95, abs=1e-6)


def test_where_two_pods_are_possible_the_resolution_says_so() -> None:
    text = TEXT.replace("prestop 5 ended 13.8 gone 14", "ended 9.3 gone 9.4")
    text += "pod old-2 deleted 8.6 ended 9.3 gone 9.4\nconnect-timeout new 9.44 9.45\n"
    for lag in judge(history(text)).propagation.removal.pods:
        assert lag.lag_s - lag.resolution_s <= 0.74 <= lag.lag_s


def test_several_workers_are_told_apart() -> None:
    run = history(TEXT)
    late = pl.col("started").is_between(9.0, 9.25)
    two = replace(run, requests=run.requests.with_columns(worker=pl.when(late).then(1).otherwise(0).cast(pl.Int64)))
    (lag,) = judge(two).propagation.removal.pods
    assert lag.by_worker == {"0": pytest.approx(0.49, abs=0.011), "1": pytest.approx(0.74, abs=0.011)}
    assert not judge(run).propagation.removal.pods[0].by_worker


def test_what_no_request_told_is_not_made_up() -> None:
    found = judge(history(TEXT.replace("by old-1", "").replace("by new-1", ""))).propagation
    assert [lag.lag_s for lag in found.removal.pods + found.addition.pods] == [None, None]
    assert found.removal.max_s is None
