"""Requests that were accepted and not answered in time: by whom, and what one alone says."""

from __future__ import annotations

import pytest

from harness.analysis import judge
from harness.model.result import ScenarioResult

from ..literal import history

# old-1 stops at 10: it works on what it has until 16, accepts no more, and the proxy sends to it until 11. Three pods.
DEAF = """
    period 1
    update 9.5 complete 11 settled 17
    pod old-1 deleted 10 ended 16.0 gone 16.5
    pod old-2
    pod old-3
    pod new-1 revision r2 created 9.6 ready 9.9
    ok new 0..10 every 0.06 by old-1
    ok new 0.02..30 every 0.06 by old-2
    ok new 0.04..30 every 0.06 by old-3
    ok new 11.03..30 every 0.06 by new-1
    ok kept 0.01..30 every 0.05 by old-2 reused
"""
NAMES = (" by old-1", " by old-2", " by old-3", " by new-1")


def told(text: str, *, named: bool = True) -> ScenarioResult:
    for name in () if named else NAMES:
        text = text.replace(name, "")
    return judge(history(text))


@pytest.mark.parametrize("named", [True, False])
def test_new_connections_that_a_stopping_server_accepts_no_more_are_the_rollouts(named: bool) -> None:
    result = told(DEAF + "read-timeout new 10.03..10.9 every 0.06", named=named)
    assert set(result.causes) == {"termination-race"}
    assert (result.verdict, result.failures[0].pod) == ("dropping", "old-1")
    assert "accepted no more" in result.failures[0].evidence


def test_syns_that_its_full_queue_drops_are_the_rollouts_too() -> None:
    result = told(DEAF + "connect-timeout new 10.03..10.9 every 0.06")
    assert set(result.causes) == {"termination-race"}
    assert "its queue was full" in result.failures[0].evidence


def test_kept_connections_that_it_reads_no_more_are_killed_in_flight() -> None:
    text = DEAF + "ok kept 0.03..10 every 0.05 by old-1 reused port 7000\nread-timeout kept 10.03..10.6 every 0.05 {}"
    result = told(text.format("reused port 7000"))
    assert set(result.causes) == {"in-flight-kill"}
    assert (result.verdict, result.failures[0].pod) == ("dropping", "old-1")


@pytest.mark.parametrize("stream", ["new", "kept reused"])
@pytest.mark.parametrize("named", [True, False])
def test_one_alone_convicts_nobody_and_clears_nobody(stream: str, named: bool) -> None:
    name, *kept = stream.split()
    result = told(DEAF + f"read-timeout {name} 10.4 {' '.join(kept)}", named=named)
    assert (result.verdict, result.causes) == ("inconclusive", {"unknown": 1})
    assert "lost on its way" in result.failures[0].evidence


@pytest.mark.parametrize("named", [True, False])
def test_answers_that_are_lost_at_all_times_are_background(named: bool) -> None:
    result = told(DEAF + "read-timeout new 1.5..29 every 2.9\nread-timeout kept 0.7..29 every 3.1 reused", named=named)
    assert (result.verdict, set(result.causes)) == ("seamless", {"application"})


def test_what_was_answered_long_before_its_pod_stopped_was_not_killed() -> None:
    """It was out for 5 s, and its pod ended in that time; but its answer, which takes milliseconds, was due before."""
    lost = (
        "ok kept 0.03..10 every 0.05 by old-1 reused port 7000\nread-timeout kept {}..9.4 every 0.05 reused port 7000"
    )
    result = told(DEAF + lost.format(8.6))
    assert set(result.causes) == {"application"}
    assert result.verdict != "dropping"


def test_when_all_pods_hang_it_is_not_the_stopping_one() -> None:
    quiet = DEAF.replace("..30 every 0.06", "..10 every 0.06").replace("..30 every 0.05", "..10 every 0.05")
    after = "".join(f"ok new 11.1{i}..30 every 0.06 by {name}\n" for i, name in enumerate(["old-2", "old-3", "new-1"]))
    result = told(quiet + after + "read-timeout new 10.03..10.9 every 0.02")
    assert set(result.causes) == {"application"}
    assert (result.verdict, result.reason) == ("inconclusive", "application-errors")


def test_a_network_that_is_down_for_all_is_no_termination_race() -> None:
    text = """
        period 1
        update 9.5 complete 11 settled 17
        pod old-1 deleted 10 ended 10.2 gone 10.3
        pod old-2
        pod old-3
        pod new-1 revision r2 created 9.6 ready 9.9
        ok new 0..10 every 0.02 by old-2
        ok new 11..30 every 0.02 by old-2
        connect-timeout new 10.35..10.9 every 0.01
    """
    result = told(text)
    assert set(result.causes) == {"application"}
    assert (result.verdict, result.reason) == ("inconclusive", "application-errors")


@pytest.mark.parametrize("named", [True, False])
def test_a_pod_that_hung_before_another_stops_goes_on_hanging_and_that_one_is_not_to_blame(named: bool) -> None:
    healthy = "ok new 0.04..30 every 0.06 by old-3"
    hung = "ok new 0.04..6 every 0.06 by old-3\nread-timeout new 6.04..14 every 0.06\nok new 14..30 every 0.06 by old-3"
    result = told(DEAF.replace(healthy, hung), named=named)
    assert set(result.causes) == {"application"}
    assert (result.verdict, result.reason) == ("inconclusive", "application-errors")


# old-1 is told to stop at 15, long after the proxy has left it out. old-3 hangs for 6 s then: what waits for 5 s is
# lost, the rest is answered as it comes back.
HELD = """
    period 1
    update 9.5 complete 11 settled 16
    pod old-1 deleted 10 prestop 5 ended 15.3 gone 15.6
    pod old-2
    pod old-3
    pod new-1 revision r2 created 9.6 ready 9.9
    ok new 0..10 every 0.06 by old-1
    ok new 0.02..30 every 0.06 by old-2
    ok new 0.04..{hangs:.2f} every 0.06 by old-3
    ok new 11.03..30 every 0.06 by new-1
"""


def hung(hangs: float) -> str:
    """The history in which a pod hangs for 6 s from that moment on."""
    back = hangs + 6.0
    lost = f"read-timeout new {hangs:.2f}..{back - 5:.2f} every 0.06\n"
    waits = [back - 5 + 0.06 * n for n in range(80)]
    late = "\n".join(f"ok new {t:.2f} until {back:.2f} by old-3" for t in waits)
    return f"{HELD.format(hangs=hangs)}{lost}{late}\nok new {back:.2f}..30 every 0.06 by old-3\n"


@pytest.mark.parametrize("hangs", [10.6, 13.0, 14.2, 14.7, 15.1])
@pytest.mark.parametrize("named", [True, False])
def test_a_live_pod_that_hangs_as_another_ends_was_not_killed_by_that(named: bool, hangs: float) -> None:
    result = told(hung(hangs), named=named)
    assert set(result.causes) == {"application"}
    assert (result.verdict, result.reason) == ("inconclusive", "application-errors")


@pytest.mark.parametrize("named", [True, False])
def test_slow_work_that_was_in_hand_as_its_pod_stopped_is_killed_in_flight(named: bool) -> None:
    """Answers take 3 s, so what had been sent 3 s before was in hand."""
    slow = "\n".join(f"ok slow {at}..{until} every 0.06 took 3" for at, until in ((0, 6.9), (11, 24)))
    lost = "read-timeout slow 7.2..9.9 every 0.12\nok slow 7.26..9.9 every 0.12 took 3"
    result = told(f"{DEAF}{slow}\n{lost}", named=named)
    assert set(result.causes) == {"in-flight-kill"}
    assert result.verdict == "dropping"


@pytest.mark.parametrize("hangs", [9.0, 11.5])
@pytest.mark.parametrize("named", [True, False])
def test_a_pod_that_hangs_does_not_clear_one_that_accepts_no_more(named: bool, hangs: float) -> None:
    lost = f"read-timeout new 10.03..10.9 every 0.06\nread-timeout new {hangs + 0.01}..{hangs + 2} every 0.06"
    result = told(DEAF + lost, named=named)
    assert result.verdict != "seamless"


# Four pods with one worker each, whose answers take longer than the next request is away: queues are nearly as long as
# clients wait. Each pod works off what it has as it stops.
OVERLOADED = """
    period 1
    update 30 complete 34 settled 35
    pod old-1 deleted 30.9 ended 31.3 gone 31.6
    pod old-2 deleted 31.9 ended 32.3 gone 32.6
    pod old-3 deleted 32.9 ended 33.3 gone 33.6
    pod old-4 deleted 33.9 ended 34.3 gone 34.6
    pod new-1 revision r2 created 30.1 ready 30.8
    pod new-2 revision r2 created 31.1 ready 31.8
    pod new-3 revision r2 created 32.1 ready 32.8
    pod new-4 revision r2 created 33.1 ready 33.8
    ok new 0..55 every 0.05 took 4.8
"""


def test_what_an_overloaded_application_answered_too_late_before_is_its_background() -> None:
    result = told(OVERLOADED + "read-timeout new 0.02..55 every 0.1")
    assert set(result.causes) == {"application"}
    assert (result.verdict, result.reason) == ("seamless", "no call was lost to a rollout above the background")


def test_that_it_answers_more_of_them_too_late_as_pods_stop_shows_no_kill() -> None:
    worse = "read-timeout new 0.02..55 every 0.2\nread-timeout new 30.01..33.5 every 0.03"
    result = told(OVERLOADED + worse)
    assert "in-flight-kill" not in result.causes
    assert (result.verdict, result.reason) == ("inconclusive", "application-errors")
    assert any("as slow a pod had it" in failure.evidence for failure in result.failures)


def test_slow_answers_of_another_stream_clear_no_pod_that_stops() -> None:
    text = DEAF + "ok kept 0.03..10 every 0.05 by old-1 reused port 7000\nread-timeout kept 10.03..10.6 every 0.05 {}"
    result = told(text.format("reused port 7000") + "\nok slow 0..30 every 0.5 took 4.8", named=False)
    assert set(result.causes) == {"in-flight-kill"}
    assert result.verdict == "dropping"


KEPT = (
    DEAF + "ok kept 0.2..10 every 0.4 by old-1 reused port 7000\nok kept 0.3..10 every 0.4 by old-1 reused port 7001\n"
)
HUNG = "read-timeout kept 10.2 reused port 7000\nread-timeout kept 10.3 reused port 7001\n"


def test_a_few_that_only_stopping_pods_leave_without_an_answer_on_kept_connections_are_the_rollouts() -> None:
    """Two of some thousand: by chance no two of them are those that were sent just as a pod stopped."""
    result = told(KEPT + HUNG)
    assert result.causes == {"in-flight-kill": 2}
    assert (result.verdict, result.failures[0].pod) == ("dropping", "old-1")
    assert "on a kept connection to it" in result.failures[0].evidence


@pytest.mark.parametrize(
    "other",
    [
        "read-timeout kept 3.1 5.3 21.1 reused port 7002\n",  # slow as ever: so it may have been here too
        HUNG.splitlines()[0] + "\n",  # one alone may always be chance
    ],
)
def test_one_or_such_as_come_at_other_times_too_are_not_charged_to_a_pod_that_stops(other: str) -> None:
    hung = HUNG if "7002" in other else ""
    result = told(KEPT + "ok kept 0.1..30 every 0.4 by old-2 reused port 7002\n" + hung + other)
    assert "in-flight-kill" not in result.causes


def test_a_crashed_pod_that_is_deleted_and_still_sent_to_is_the_applications() -> None:
    """No preStop hook runs where no container does: its network goes at once."""
    text = """
        update 8.0 complete 9.0 settled 9.6
        pod old-1 prestop 5 deleted 8.5 ended 8.7 gone 8.9 exits 1
        pod old-2
        pod new-1 revision r2 created 8.1 ready 8.4
        crash old-1 7.9 8.7
        ok new 0..7.9 every 0.02 by old-1
        ok new 0..30 every 0.04 by old-2
        connect-timeout new 8.6 8.7 8.8 8.9 9.0 9.1
    """
    result = judge(history(text))
    assert {str(one.cause) for one in result.failures} == {"application"}
    assert result.failures[0].pod == "old-1"
    assert "of which a container was down though nobody had asked for that" in result.failures[0].evidence
