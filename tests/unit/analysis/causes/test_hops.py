"""What a balancer before the pods is late about, and answers for them: whose cause it is, and what is none at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis import judge
from harness.analysis.causes.row import Fault
from harness.analysis.causes.table import TABLE
from harness.analysis.verdict.background import APPLICATION
from harness.model.paths import Hop, HopKind, Span, Targets
from harness.model.result import Cause, ScenarioResult

from ..literal import history

BALANCER = Hop(
    name="the balancer",
    kind=HopKind.PASSTHROUGH,
    targets=Targets.PODS,
    removal=Span(least_s=3.0, most_s=3.0),
    addition=Span(least_s=12.0, most_s=12.0),
)


def judged(text: str, *hops: Hop) -> ScenarioResult:
    run = history(text, path="loadbalancer")
    return judge(replace(run, info=replace(run.info, hops=hops)))


# The old pod lives on until 18, and is sent to until 11.5; the new one, ready at 8.4, is not before 20.4.
UNREGISTERED = """
    update 8.0 complete 8.5 settled 18.5
    pod old-1 deleted 8.5 prestop 9 ended 18.0 gone 18.5
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..11.5 every 0.02 by old-1
    connect-timeout new 11.52..20.38 every 0.02
    ok new 20.4..50 every 0.02 by new-1
"""


def test_what_it_turned_away_while_it_knew_no_pod_is_the_creation_race_by_itself() -> None:
    found = judged(UNREGISTERED, BALANCER)
    assert set(found.causes) == {"creation-race"}
    assert (found.verdict, found.failures[0].pod) == ("dropping", "new-1")
    assert found.propagation is not None
    (lag,) = found.propagation.addition.pods
    assert lag.lag is not None
    assert lag.lag.earliest_s <= 12.0 <= lag.lag.latest_s  # what was lost in silence did not reach the pod


def test_a_pod_that_is_gone_and_still_sent_to_is_the_termination_race_of_that_hop() -> None:
    text = """
        update 8.0 complete 8.5 settled 9.5
        pod old-1 deleted 8.5 ended 8.7 gone 9.2
        pod old-2
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..50 every 0.02 by old-2
        ok new 0.01..8.5 every 0.02 by old-1
        connect-timeout new 8.9..11.5 every 0.04
        ok new 20.41..50 every 0.02 by new-1
    """
    found = judged(text, BALANCER)
    assert set(found.causes) == {"termination-race"}
    assert "the balancer had not deregistered it yet (inferred; the balancer: 3 s" in found.failures[0].evidence


def test_what_is_lost_while_a_balancer_warms_up_is_no_rollouts_and_no_measure_of_chance() -> None:
    warming = "connect-timeout new 0.0..1.9 every 0.02\n"
    quiet = """
        update 8.0 complete 9.0 settled 15
        pod old-1 deleted 8.5 prestop 5 ended 14.0 gone 14.5
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 2..11.5 every 0.02 by old-1
        ok new 11.5..50 every 0.02 by new-1
    """
    found = judged(warming + quiet, BALANCER)
    assert (found.verdict, found.rollouts[0].window.failed) == ("seamless", 0)
    late = UNREGISTERED.replace("ok new 0..11.5", "ok new 2..11.5")
    assert set(judged(warming + late, BALANCER).rollouts[0].window.by_cause) == {"creation-race"}


PROXY = replace(BALANCER, name="the proxy", kind=HopKind.REVERSE_PROXY, answers_as="awselb/2.0")
BY_PROXY = "via awselb/2.0"
ROLLED = """
    update 8.0 complete 8.5 settled 9.5
    pod old-1 deleted 8.5 ended 8.7 gone 9.2
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..50 every 0.02 by old-2
    ok new 0.01..8.5 every 0.02 by old-1
    ok new 20.41..50 every 0.02 by new-1
"""


@pytest.mark.parametrize(
    ("lost", "causes"),
    [
        # Refused, and silent, while it still listed the pod that had gone.
        (f"status new 8.61..11.5 every 0.04 code 502 {BY_PROXY}", {"termination-race"}),
        ("read-timeout new 8.9..11.5 every 0.04", {"termination-race"}),
        # Sent before the pod was told to stop, and over as it stopped: accepted, or in its queue.
        (f"status new 6.9 until 8.6 code 502 {BY_PROXY}", {"termination-race or in-flight-kill"}),
        # No pod was stopping: it closed a connection that the proxy had kept.
        (f"status new 30.01 code 502 {BY_PROXY}", {"backend-close"}),
        (f"status new 30.01 took 60 code 504 {BY_PROXY}", {"application"}),
        # The application's own answer is not the proxy's.
        ("status new 8.9 code 503 via nginx/1.28.0", {"application"}),
    ],
)
def test_what_a_proxy_answers_tells_what_it_met(lost: str, causes: set[str]) -> None:
    assert set(judged(f"{ROLLED}\n{lost}", PROXY).causes) == causes


def test_a_burst_of_closed_connections_behind_a_proxy_is_a_doubt_and_a_steady_rate_is_a_background() -> None:
    burst = judged(f"{ROLLED}\nstatus new 13..40 every 0.04 code 502 {BY_PROXY}", PROXY)
    assert burst.causes == {"backend-close": 675}
    assert (burst.verdict, burst.reason) == ("inconclusive", "application-errors")
    before, after = (f"status new {span} every 0.5 code 502 {BY_PROXY}\n" for span in ("0.51..8", "22..50"))
    steady = judged(f"{ROLLED}\n{before}{after}", PROXY)
    assert (steady.verdict, steady.reason) == ("seamless", "no call was lost to a rollout above the background")
    same = judged(f"{ROLLED}\nstatus new 13..40 every 0.04 took 60 code 504 {BY_PROXY}", PROXY)
    assert (same.causes, same.reason) == ({"application": 675}, burst.reason)


def test_a_container_that_has_not_answered_since_it_began_has_no_kept_connection_to_close() -> None:
    text = f"""
        update 8.0 complete 8.5 settled 9.5
        pod old-1 deleted 8.5 ended 8.7 gone 9.2
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..8.5 every 0.02 by old-1
        ok new 8.51..30 every 0.02 by new-1
        ok new 40..50 every 0.02 by new-1
        status new 35..40 every 0.02 code 502 {BY_PROXY}
    """
    assert judged(text, PROXY).causes == {"backend-close": 250}
    restarted = judged(f"{text}\ncrash new-1 30.5 32", PROXY)
    assert restarted.causes == {"application": 250}
    assert "before any pod in service had answered it" in restarted.failures[0].evidence
    again = judged(f"{text}\ncrash new-1 30.5 32\nok new 34 by new-1", PROXY)
    assert again.causes == {"backend-close": 250}
    # Where answers do not name their pod, it may have been another.
    assert judged(f"{text}\ncrash new-1 30.5 32".replace("by new-1", ""), PROXY).causes == {"backend-close": 250}


def test_what_is_the_applications_fault_counts_as_that() -> None:
    assert {row.cause for row in TABLE if row.fault == Fault.APPLICATION} == set(APPLICATION)


def test_a_proxy_without_a_target_says_so_and_that_is_the_creation_race() -> None:
    text = UNREGISTERED.replace(
        "connect-timeout new 11.52..20.38 every 0.02", f"status new 11.52..20.38 every 0.02 {BY_PROXY}"
    )
    found = judged(text, PROXY)
    assert set(found.causes) == {"creation-race"}
    assert "it had no target, while new-1 was ready" in found.failures[0].evidence


def test_a_proxy_without_a_target_as_no_pod_is_ready_had_no_endpoints() -> None:
    text = f"""
        update 8.0 complete 12.5 settled 9.5
        pod old-1 deleted 8.0 ended 8.3 gone 8.6
        pod new-1 revision r2 created 8.7 ready 12.4
        ok new 0..8.0 every 0.02 by old-1
        status new 11.3..12.3 every 0.02 {BY_PROXY}
        ok new 24.5..50 every 0.02 by new-1
    """
    assert set(judged(text, PROXY).causes) == {"no-endpoints"}


def test_the_answers_of_a_proxy_that_is_not_known_say_no_more_than_that_it_failed() -> None:
    unsigned = replace(PROXY, answers_as="", removal=None, addition=None)
    found = judged(f"{ROLLED}\nstatus new 30.01 code 502", unsigned)
    assert set(found.causes) <= {"unknown", "application", "creation-race"}


MITIGATED = """
    update 8.0 complete 18.5 settled 28.5
    pod old-1 deleted 18.5 prestop 9 ended 27.8 gone 28.2
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..60 every 0.02 by old-2
    ok new 0.01..21.5 every 0.02 by old-1
    ok new 20.41..60 every 0.02 by new-1
"""


@pytest.mark.parametrize("every_s", [0.5, 0.3, 0.13])
def test_connections_that_pods_close_all_the_time_are_no_rollouts_loss_as_pods_stop(every_s: float) -> None:
    found = judged(f"{MITIGATED}\nstatus new 0.511..59 every {every_s} code 502 {BY_PROXY}", PROXY)
    assert (found.verdict, set(found.causes)) == ("seamless", {"backend-close"})


STAGGERED = """
    update 8.0 complete 34.5 settled 46.5
    pod old-1 deleted 18.5 prestop 9 ended 27.8 gone 30.2
    pod old-2 deleted 28.5 prestop 15 ended 43.8 gone 44.2
    pod new-1 revision r2 created 8.1 ready 8.4
    pod new-2 revision r2 created 18.6 ready 18.9
    ok new 0..43 every 0.02 by old-2
    ok new 0.01..21.5 every 0.02 by old-1
    ok new 20.41..60 every 0.02 by new-1
    ok new 31.42..60 every 0.02 by new-2
"""


def test_a_pod_off_the_list_is_not_blamed_because_another_one_that_its_hook_holds_is_on_it() -> None:
    few = "".join(f"status new {t} code 502 {BY_PROXY}\n" for t in (1.013, 3.013, 5.013, 12.013, 16.013))
    stopped = f"status new 29.013..30.2 every 0.2 code 502 {BY_PROXY}"
    found = judged(f"{STAGGERED}\n{few}\n{stopped}", PROXY)
    assert "termination-race" not in found.causes
    assert found.verdict != "dropping"
    # Where it still answers as its hook ends, it is on the list, and so are its losses the rollout's.
    listed = STAGGERED.replace("ok new 0.01..21.5 every 0.02 by old-1", "ok new 0.01..27.4 every 0.02 by old-1")
    race = f"status new 28.013..30.2 every 0.04 code 502 {BY_PROXY}"
    assert judged(f"{listed}\n{few}\n{race}", PROXY).verdict == "dropping"


@pytest.mark.parametrize(
    ("draining_s", "cause"), [(None, "in-flight-kill"), (0.5, "in-flight-kill"), (300.0, "backend-close")]
)
def test_a_balancer_cuts_nothing_before_its_draining_is_over(draining_s: float | None, cause: str) -> None:
    lost = f"status slow 17.5 until 22.6 code 502 {BY_PROXY}"
    assert judged(f"{MITIGATED}\n{lost}", replace(PROXY, draining_s=draining_s)).causes == {cause: 1}


@pytest.mark.parametrize("every_s", [0.5, 2.0, 9.0])
@pytest.mark.parametrize("race", ["8.61..11.5 every 0.04", "8.6..8.9 every 0.1"])
def test_a_race_is_seen_over_such_a_background(race: str, every_s: float) -> None:
    steady = f"status new 0.511..49 every {every_s} code 502 {BY_PROXY}"
    found = judged(f"{ROLLED}\n{steady}\nstatus new {race} code 502 {BY_PROXY}", PROXY)
    assert (found.verdict, found.causes["termination-race"] >= 4) == ("dropping", True)


def test_a_kept_connection_to_a_proxy_is_none_to_the_pod_that_answered_on_it() -> None:
    kept = "ok kept 8.3 port 40001 reused by new-1\nread-timeout kept 8.9..11.5 every 0.05 port 40001 reused"
    lost = f"{kept}\nread-timeout new 8.9..11.5 every 0.04"
    assert set(judged(f"{ROLLED}\n{lost}", PROXY).causes) == {"termination-race"}


def test_silence_later_than_a_proxy_is_known_to_be_late_is_not_blamed_on_a_pod_that_is_gone() -> None:
    """The pod left at 8.5, and was sent to until 11.5: what hangs on, hangs in new pods, or in a proxy that is late."""
    found = judged(f"{ROLLED}\nread-timeout new 8.9..14.5 every 0.05", PROXY)
    causes = [failure.cause for failure in found.failures]
    assert list(dict.fromkeys(causes)) == ["termination-race", "unknown"]  # in order of time
    assert causes.count(Cause.UNKNOWN) >= (14.5 - 12.2) / 0.05


def test_a_proxy_that_has_no_target_although_pods_were_ready_all_along_sent_nothing_to_a_pod_that_ends() -> None:
    found = judged(f"{ROLLED}\nstatus new 9.0..9.4 every 0.04 code 503 {BY_PROXY}", PROXY)
    assert "termination-race" not in found.causes


@pytest.mark.parametrize(
    "lost",
    ["eof-mid-response slow 17.5 until 22.6 by old-1", f"status slow 17.5 until 22.6 code 502 {BY_PROXY}"],
)
def test_what_a_proxy_cuts_as_it_has_deregistered_a_pod_that_still_lives_is_the_rollouts(lost: str) -> None:
    """The pod sleeps in its preStop hook: nobody has told it to stop, and what it works on ends all the same."""
    found = judged(f"{MITIGATED}\n{lost}", PROXY)
    assert (found.verdict, found.causes) == ("dropping", {"in-flight-kill": 1})
    assert found.failures[0].pod == "old-1"
    alive = judged(f"{MITIGATED}\neof-mid-response slow 35.0 until 40.1 by new-1", PROXY)
    assert alive.causes == {"application": 1}


RACE = f"status new 8.61..9.4 every 0.1 code 502 {BY_PROXY}"


@pytest.mark.parametrize(
    "other",
    [
        f"crash new-1 30.5 38\nstatus new 30.6..38 every 0.04 code 502 {BY_PROXY}",  # a crash is no idle connection
        f"status new 30.6..48 every 0.04 code 502 {BY_PROXY}",  # a burst after the rollout, with nothing before it
    ],
)
def test_what_went_wrong_at_another_time_by_itself_excuses_no_race(other: str) -> None:
    found = judged(f"{ROLLED}\n{RACE}\n{other}", PROXY)
    assert (found.verdict, found.causes["termination-race"]) == ("dropping", 8)


def test_idle_connections_that_close_all_the_time_excuse_no_work_that_was_cut() -> None:
    steady = f"status new 0.511..59 every 0.13 code 502 {BY_PROXY}"
    cut = f"status slow 19.0..21.0 every 0.5 until 22.6 code 502 {BY_PROXY}"
    found = judged(f"{MITIGATED}\n{steady}\n{cut}", PROXY)
    assert (found.verdict, found.causes["in-flight-kill"]) == ("dropping", 4)


def test_an_answer_that_a_live_pod_cut_is_not_the_rollouts_though_another_is_drained() -> None:
    assert judged(f"{MITIGATED}\neof-mid-response slow 17.5 until 22.6 by new-1", PROXY).causes == {"application": 1}


@pytest.mark.parametrize("late", ["24..26", "35..36"])
def test_what_comes_later_than_a_proxy_may_exceed_its_delay_leaves_a_doubt(late: str) -> None:
    for lost in (f"status new {late} every 0.04 code 502 {BY_PROXY}", f"read-timeout new {late} every 0.04"):
        assert judged(f"{ROLLED}\n{lost}", PROXY).verdict == "inconclusive"


def test_a_late_burst_over_a_steady_background_is_no_part_of_it() -> None:
    steady = f"status new 0.511..59 every 0.5 code 502 {BY_PROXY}"
    lost = f"status new 35..36 every 0.04 code 502 {BY_PROXY}"
    assert judged(f"{ROLLED}\n{steady}\n{lost}", PROXY).verdict != "seamless"


OUTLASTING = MITIGATED.replace("settled 28.5", "settled 31.5").replace("ended 27.8 gone 28.2", "ended 30.8 gone 31.2")


@pytest.mark.parametrize(
    "lost",
    [
        # While the preStop hook runs, and nobody has told the server to stop: slowly, as on a machine that is busy.
        "status new 24.5 until 24.65",
        # As the pod stops, or has, nine seconds after it was deregistered.
        "status new 29.0",
        "status new 31.0 until 31.2",
        "status new 31.5",
        "status new 30.8..33 every 0.04",
    ],
)
def test_what_was_sent_when_a_proxy_had_left_the_pod_that_ends_is_not_that_pods(lost: str) -> None:
    """It lived on in its preStop hook, and answered nothing any more of all that was answered meanwhile."""
    found = judged(f"{OUTLASTING}\n{lost} code 502 {BY_PROXY}", PROXY)
    assert (found.verdict, set(found.causes)) == ("inconclusive", {"backend-close"})


def test_where_answers_name_no_pod_nothing_shows_that_a_proxy_had_left_it() -> None:
    unnamed = OUTLASTING.replace("by old-1", "").replace("by old-2", "").replace("by new-1", "")
    found = judged(f"{unnamed}\nstatus new 29.0 code 502 {BY_PROXY}", PROXY)
    assert (found.verdict, set(found.causes)) == ("dropping", {"termination-race"})


def test_a_pod_that_still_answered_shortly_before_it_stopped_was_still_sent_to() -> None:
    late = OUTLASTING.replace("0.01..21.5", "0.01..27.4")
    found = judged(f"{late}\nstatus new 29.0..30 every 0.1 code 502 {BY_PROXY}", PROXY)
    assert (found.verdict, set(found.causes)) == ("dropping", {"termination-race"})


def test_work_that_a_pod_had_before_it_left_the_list_is_cut_as_it_stops_however_late_that_is() -> None:
    found = judged(f"{OUTLASTING}\nstatus slow 19.0 until 30.8 code 502 {BY_PROXY}", PROXY)
    assert (found.verdict, set(found.causes)) == ("dropping", {"termination-race or in-flight-kill"})


@pytest.mark.parametrize("every_s", [0.1, 0.3])
def test_a_background_by_time_is_not_named_a_race_where_fewer_requests_meet_it_than_before(every_s: float) -> None:
    """From the rollout on, the load is a fifth, and less, of what the control window had; pods close what is idle as
    often as before. Of so few requests that are too many to be told from a race: a doubt."""
    thinned = f"""
        update 28.0 complete 38.5 settled 48.5
        pod old-1 deleted 38.5 prestop 1 ended 40.8 gone 41.2
        pod old-2
        pod new-1 revision r2 created 28.1 ready 28.4
        ok new 0..28 every 0.02 by old-2
        ok new 28.01..90 every {every_s} by old-2
        ok new 0.01..28 every 0.02 by old-1
        ok new 28.02..38.5 every {every_s} by old-1
        ok new 40.41..90 every {every_s} by new-1
        status new 0.511..89 every 0.5 code 502 {BY_PROXY}
    """
    found = judged(thinned, PROXY)
    assert (found.verdict, found.reason) == ("inconclusive", "application-errors")
    assert set(found.causes) == {"backend-close", "termination-race or backend-close"}
    raced = judged(f"{thinned}\nstatus new 39.6..42 every 0.05 code 502 {BY_PROXY}", PROXY)
    assert (raced.verdict, raced.causes["termination-race"] >= 48) == ("dropping", True)


def test_silence_behind_it_shows_how_long_a_pod_was_sent_to() -> None:
    found = judged(f"{ROLLED}\nread-timeout new 8.9..11.5 every 0.04", PROXY)
    assert set(found.causes) == {"termination-race"}
    assert found.propagation is not None
    lag = found.propagation.removal.pods[0].lag
    assert lag is not None
    assert lag.latest_s >= 11.46 - 8.5


@pytest.mark.parametrize(("hop", "first"), [(PROXY, 15.0), (BALANCER, 20.41)])
def test_a_kept_connection_leads_to_any_pod_where_it_ends_before_them(hop: Hop, first: float) -> None:
    found = judged(f"{ROLLED}\nok kept 15.0 by new-1 reused", hop)
    assert found.propagation is not None
    lag = found.propagation.addition.pods[0].lag
    assert lag is not None
    assert lag.earliest_s <= first - 8.4 <= lag.latest_s <= first - 8.4 + 0.1


UNKNOWN_PROXY = Hop(name="its own", kind=HopKind.REVERSE_PROXY, targets=Targets.UNKNOWN)
GIVES_UP = """
    update 8.0 complete 8.5 settled 9.5
    pod old-1 deleted 8.5 ended 8.7 gone 9.2
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok kept 0..50 every 0.02 by old-2 reused
    ok kept 0.01..8.5 every 0.02 by old-1 reused
    ok new 9.21..50 every 0.02 by new-1
"""


def test_what_a_proxy_gives_up_after_a_while_was_sent_to_a_pod_that_was_gone() -> None:
    """It tries to connect for 2 s, and ends the client's connection when no pod is stopping any more."""
    found = judged(GIVES_UP + "eof-before-response kept 8.8 8.9 9.0 9.1 9.2 9.3 took 2 reused\n", UNKNOWN_PROXY)
    assert (found.causes, found.verdict) == ({"termination-race": 6}, "dropping")
    assert "tried that in vain, and gave up" in found.failures[0].evidence


def test_one_that_does_so_all_the_time_says_nothing_of_a_rollout() -> None:
    text = GIVES_UP + "eof-before-response kept 0.5..40 every 0.25 took 2 reused\n"
    assert "termination-race" not in judged(text, UNKNOWN_PROXY).causes
