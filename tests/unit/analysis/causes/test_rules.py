"""Each cause, told from what looks like it, in histories of a few lines."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from harness.analysis import judge
from harness.model.result import Cause, FailedRequest
from harness.model.run import LoadFacts

from ..literal import history

QUIET = """
    period 1
    update 8.0 complete 9.0 settled 9.8
    pod old-1 deleted 8.5 ended 8.8 gone 9.0
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..8.5 every 0.01 by old-2
    ok new 10..30 every 0.01 by new-1
"""


def blamed(text: str, **more: object) -> list[FailedRequest]:
    return list(judge(history(text, **more)).failures)


def causes(text: str, **more: object) -> list[str]:
    return [str(failure.cause) for failure in blamed(text, **more)]


def test_a_refusal_as_a_pod_stops_is_a_termination_race() -> None:
    (failure,) = blamed(QUIET + "connect-refused new 8.6")
    assert (failure.cause, failure.pod) == (Cause.TERMINATION_RACE, "old-1")
    assert failure.evidence == (
        "refused, sent 0.10 s after old-1 began to terminate (observed); its listener had closed, and the proxy had "
        "not synced yet (inferred; proxy period 1 s)"
    )


def test_silence_from_an_address_that_is_gone_is_a_termination_race() -> None:
    failures = blamed(QUIET + "connect-timeout new 9.2 9.21")
    assert [(failure.cause, failure.pod) for failure in failures] == [(Cause.TERMINATION_RACE, "old-1")] * 2


def test_one_connection_alone_that_nobody_answers_may_have_been_lost_on_its_way() -> None:
    (failure,) = blamed(QUIET + "connect-timeout new 9.2")
    assert (failure.cause, failure.pod) == (Cause.UNKNOWN, "")
    assert "which cannot be told" in failure.evidence


def test_one_alone_beside_a_refusal_was_sent_to_a_pod_that_the_proxy_still_knew() -> None:
    assert causes(QUIET + "connect-refused new 8.75 \n connect-timeout new 8.95") == ["termination-race"] * 2


def test_of_two_pods_that_are_possible_none_is_named() -> None:
    text = QUIET.replace("pod old-2", "pod old-2 deleted 8.6 ended 8.9 gone 9.0")
    failure, _ = blamed(text + "connect-timeout new 9.2 9.21")
    assert (failure.cause, failure.pod) == (Cause.TERMINATION_RACE, "")
    assert "the first of old-1, old-2" in failure.evidence


def test_no_pod_is_blamed_once_the_proxy_must_have_synced() -> None:
    assert causes(QUIET + "connect-timeout new 15") == ["application"]  # lost on its way
    assert causes(QUIET + "connect-timeout new 15 15.01 15.02") == ["application"] * 3  # a burst, long after


def test_a_proxy_that_stands_still_is_blamed_as_long_as_its_failures_go_on() -> None:
    text = QUIET.replace("ok new 10..30", "ok new 9..30") + "connect-timeout new 9.2..16 every 0.02"
    assert set(causes(text)) == {"termination-race"}


def test_without_the_period_a_long_run_of_good_connections_shows_that_the_proxy_has_synced() -> None:
    text = QUIET.replace("period 1", "period ?")
    text += "connect-timeout new 9.9 9.91 \n connect-timeout new 15"
    assert causes(text) == ["termination-race", "termination-race", "application"]


def test_a_refusal_during_prestop_is_not_the_stopping_pods() -> None:
    text = QUIET.replace("pod old-1 deleted 8.5 ended 8.8 gone 9.0", "pod old-1 deleted 8.5 prestop 5")
    starting = text.replace("ready 8.4", "ready 8.4 noprobe").replace("10..30", "12..30")
    assert causes(starting + "connect-refused new 9.0") == ["creation-race"]


def test_a_pod_whose_probe_connects_to_the_port_listens_once_it_is_ready() -> None:
    assert causes(QUIET + "connect-refused new 9.0") == ["termination-race"]


def test_a_pod_without_a_probe_may_be_listed_before_it_listens() -> None:
    text = """
        update 8.0 complete 9.0 settled 22
        pod old-1 deleted 8.5 prestop 12 ended 20.9 gone 21
        pod new-1 revision r2 created 8.1 ready 8.4 noprobe
        ok new 0..8.5 every 0.01 by old-1
        ok new 11.5..30 every 0.01 by new-1
        connect-refused new 8.6 9 10 11
    """
    failures = blamed(text)
    assert {(failure.cause, failure.pod) for failure in failures} == {(Cause.CREATION_RACE, "new-1")}


def test_pods_of_the_first_deployment_may_be_listed_before_they_listen_too() -> None:
    text = """
        update 8.0 complete 9.0 settled 9.8
        pod old-1 ready 0.3 noprobe{}
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 3..30 every 0.01 by old-1
        connect-refused new 1 2
    """
    result = judge(history(text.format(" pending"), control=(4.0, 8.0)))
    assert {(failure.cause, failure.pod, failure.rollout) for failure in result.failures} == {
        (Cause.CREATION_RACE, "old-1", None)
    }
    assert not result.rollouts[0].dropping
    # What was Ready when the watch began had its time to listen.
    assert causes(text.format(""), control=(4.0, 8.0)) == ["unknown", "unknown"]


def test_what_two_causes_explain_stays_unknown() -> None:
    text = """
        update 8.0 complete 9.0 settled 9.8
        pod old-1 deleted 8.5 ended 8.8 gone 9.0
        pod new-1 revision r2 created 8.1 ready 8.4 noprobe
        ok new 0..8.5 every 0.01 by old-1
        ok new 11.5..30 every 0.01 by new-1
        connect-refused new 8.55 8.6
    """
    assert causes(text) == ["unknown", "unknown"]
    result = judge(history(text))
    assert (result.verdict, result.reason) == ("dropping", "termination-race or creation-race: 2")


def test_an_answer_cut_by_a_stopping_pod_is_an_in_flight_kill() -> None:
    (failure,) = blamed(QUIET + "eof-mid-response slow 7.0 until 8.6 by old-1")
    assert (failure.cause, failure.pod) == (Cause.IN_FLIGHT_KILL, "old-1")


def test_an_answer_cut_by_a_live_pod_is_the_applications() -> None:
    assert causes(QUIET + "eof-mid-response slow 7.0 until 8.6 by old-2") == ["application"]


def test_a_reset_right_after_connecting_came_from_the_accept_queue() -> None:
    (failure,) = blamed(QUIET + "reset-before-response new 8.55 until 8.555")
    assert failure.cause == Cause.TERMINATION_RACE
    assert "accept queue" in failure.evidence


def test_a_reset_without_a_byte_after_a_while_came_from_the_accept_queue_too() -> None:
    result = judge(history(QUIET + "reset-before-response new 8.5 until 8.75"))
    assert result.causes == {"termination-race": 1}
    assert result.failures[0].pod == "old-1"
    assert "never read it" in result.failures[0].evidence
    assert (result.verdict, result.reason) == ("dropping", "termination-race: 1")
    assert result.rollouts[0].note == ""


def test_a_new_connection_that_ended_with_fin_had_been_read() -> None:
    assert causes(QUIET + "eof-before-response new 8.5 until 8.75") == ["in-flight-kill"]


def test_an_accepted_request_without_an_answer_was_killed_in_flight() -> None:
    assert causes(QUIET + "eof-before-response slow 7.0 until 8.6") == ["in-flight-kill"]


def test_a_kept_connection_lost_at_once_was_being_closed_as_idle() -> None:
    result = judge(history(QUIET + "reset-before-response kept 8.55 until 8.556 reused"))
    assert result.causes == {"idle-close": 1}
    assert not result.rollouts[0].dropping


KILLED = QUIET.replace("pod old-1 deleted 8.5 ended 8.8 gone 9.0", "pod old-1 deleted 8.5 ended 12.7 gone 13 killed")


def test_what_a_killed_server_had_not_read_is_lost_as_on_an_idle_connection() -> None:
    result = judge(
        history(KILLED + "ok kept 8 by old-1 port 7 \n reset-before-response kept 12.5 until 12.503 port 7 reused")
    )
    (failure,) = result.failures
    assert (failure.cause, failure.pod) == (Cause.IDLE_CLOSE, "old-1")
    assert "old-1 was killed at the end of its grace period" in failure.evidence
    assert not result.rollouts[0].dropping


def test_what_a_killed_server_was_working_on_was_killed_in_flight() -> None:
    text = KILLED + "eof-before-response kept 11 until 12.5 reused \n eof-mid-response slow 11 until 12.5 by old-1"
    assert causes(text) == ["in-flight-kill"] * 2


def test_strict_idle_close_counts_against_the_rollout() -> None:
    text = QUIET + "reset-before-response kept 8.55 until 8.556 reused"
    assert judge(history(text, strict_idle_close=True)).rollouts[0].dropping


def test_a_kept_request_that_was_worked_on_for_long_was_killed_in_flight() -> None:
    assert causes(QUIET + "eof-before-response kept 7.0 until 8.6 reused") == ["in-flight-kill"]


RECREATE = """
    update 8.0 complete 12 settled 12.5
    pod old-1 deleted 8.1 ended 8.4 gone 8.8
    pod old-2 deleted 8.1 ended 8.45 gone 8.9
    pod new-1 revision r2 created 8.5 ready 11.9
    ok new 0..8.1 every 0.01 by old-1
    ok new 13..30 every 0.01 by new-1
"""


def test_a_refusal_when_no_pod_is_left_comes_from_the_data_plane() -> None:
    assert causes(RECREATE + "connect-refused new 9.5 10 11") == ["no-endpoints"] * 3


def test_silence_between_such_refusals_is_a_rejection_too() -> None:
    assert causes(RECREATE + "connect-refused new 9.5 11 \n connect-timeout new 10") == ["no-endpoints"] * 3


def test_silence_before_the_first_rejection_went_to_pods_that_are_gone() -> None:
    text = RECREATE + "connect-timeout new 8.6 9 \n connect-refused new 9.5 11"
    assert causes(text) == ["termination-race", "termination-race", "no-endpoints", "no-endpoints"]


def test_a_proxy_that_went_straight_to_the_new_pods_never_rejected() -> None:
    assert causes(RECREATE.replace("period 1", "period 10") + "connect-timeout new 8.6 9") == ["termination-race"] * 2


def test_endpoints_that_the_rollout_took_away_are_its_doing() -> None:
    assert judge(history(RECREATE + "connect-refused new 10")).rollouts[0].dropping


def test_a_pod_that_crashed_fails_its_requests_as_application() -> None:
    text = QUIET + "crash new-1 20.0 21.5 \n connect-refused new 20.5 \n eof-mid-response slow 19 until 20.0 by new-1"
    result = judge(history(text))
    assert result.causes == {"application": 2}
    assert (result.verdict, result.reason) == ("inconclusive", "crash")


def test_an_error_status_is_the_applications() -> None:
    assert causes(QUIET + "status new 9.5 by old-2") == ["application"]


def test_a_gateways_502_is_not_the_applications() -> None:
    text = QUIET + "ok new 8.6 by new-1 \n status new 8.9"
    run = history(text, path="ingress")
    unnamed = pl.when(pl.col("outcome") == "status").then(502).otherwise("status").alias("status")
    (failure,) = judge(replace(run, requests=run.requests.with_columns(unnamed))).failures
    assert failure.cause == Cause.TERMINATION_RACE


@pytest.mark.parametrize(
    ("took", "cause"),
    [
        ("0.001", "termination-race or creation-race"),
        ("0.04", "termination-race or in-flight-kill"),
        ("1.2", "termination-race or creation-race"),
    ],
)
def test_a_gateways_502_after_as_long_as_work_takes_was_taken_by_a_pod(took: str, cause: str) -> None:
    """A pod that is gone refuses at once, or lets the gateway wait for longer."""
    text = QUIET + f"ok new 5 by old-1 took 0.05\nok new 6 by old-1 took 0.05\nstatus new 8.75 code 502 took {took}\n"
    result = judge(history(text, path="ingress"))
    assert list(result.causes) == [cause]


def test_no_answer_in_time_from_a_live_pod_is_the_applications() -> None:
    assert causes(QUIET + "read-timeout new 12") == ["application"]


def test_connections_dropped_while_live_pods_hang_are_the_applications() -> None:
    assert causes(QUIET + "read-timeout new 15 16 \n connect-timeout new 18") == ["application"] * 3


def test_a_time_out_of_a_worker_that_slept_is_the_generators() -> None:
    text = QUIET + "connect-timeout new 15 until 17.5 \n ok new 17.9 by new-1"
    run = history(text)
    late = pl.when(pl.col("scheduled") == 17.9).then(15.1).otherwise("scheduled").alias("scheduled")
    (failure,) = judge(replace(run, requests=run.requests.with_columns(late))).failures
    assert failure.cause == Cause.LOAD_GENERATOR


PORTS = QUIET + "connect-timeout new 9.0 port 7000 \n connect-timeout new 9.01 \n connect-timeout new 20.0 port 7000"


def test_the_same_port_again_meets_the_stale_entry() -> None:
    assert causes(PORTS) == ["termination-race", "termination-race", "stale-conntrack"]


def test_a_port_is_free_again_after_120_seconds() -> None:
    text = QUIET.replace("10..30", "10..140") + "connect-timeout new 9.0 port 7000 \n connect-timeout new 9.01"
    assert causes(text + "\n connect-timeout new 135 port 7000")[-1] == "application"
    assert causes(text + "\n connect-timeout new 125 port 7000")[-1] == "stale-conntrack"


def test_a_refused_port_leaves_no_entry() -> None:
    text = QUIET + "connect-refused new 8.6 port 7000 \n connect-timeout new 9.4 port 7000"
    assert causes(text) == ["termination-race", "termination-race"]


def test_with_two_source_addresses_a_port_serves_each_in_turn() -> None:
    text = QUIET + "connect-timeout new 9.0 port 7000 \n connect-timeout new 9.01 port 7000 \n connect-timeout new 9.02"
    assert causes(text)[1] == "stale-conntrack"
    two = LoadFacts(source_addresses=("10.0.0.1", "10.0.0.2"))
    assert causes(text, load=two) == ["termination-race"] * 3
    assert causes(text + " \n connect-timeout new 20 port 7000", load=two)[-1] == "stale-conntrack"


def test_a_balancer_that_does_not_know_the_new_pod_yet_is_a_creation_race() -> None:
    text = """
        update 8.0 complete 9.0 settled 30
        pod old-1 deleted 20
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..9 every 0.01 by old-1
        ok new 10..30 every 0.01 by new-1
        connect-refused new 9.5
    """
    (failure,) = blamed(text, path="loadbalancer")
    assert (failure.cause, failure.pod) == (Cause.CREATION_RACE, "new-1")
    assert causes(text) == ["unknown"]


@pytest.mark.parametrize("path", ["loadbalancer", "ingress", "url"])
def test_behind_a_balancer_ports_say_nothing(path: str) -> None:
    assert "stale-conntrack" not in causes(PORTS, path=path)


def test_a_pod_that_comes_again_under_its_name_is_another_pod() -> None:
    text = """
        update 8.0 complete 10 settled 10
        pod first name web-0 deleted 8.1 ended 8.4 gone 8.6
        pod second name web-0 revision r2 created 8.7 ready 9.4
        pod other name web-1
        ok new 0..8.1 every 0.01 by web-0
        ok new 10..30 every 0.01 by web-0
        eof-mid-response slow 7.0 until 8.2 by web-0
        eof-mid-response slow 12.0 until 13.0 by web-0
    """
    assert causes(text) == ["in-flight-kill", "application"]
