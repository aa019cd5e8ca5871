"""What kernel and request log together say of a failed request."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.servers.truth import RequestLog, Seen, closes_on_request, telling

OUT = {"stream": "new", "worker": "0", "seq": "7", "status": ""}


def told(cause: str, detail: str, outcome: str, *, reused: bool = False, **seen: bool | float) -> tuple[str, str]:
    """The last word on a request of that outcome; by default nobody took it, and its pod was stopping."""
    known = {"taken": False, "accepted": False, "stopping": True, "lasted_s": 1.0} | seen
    found = telling(cause, detail, OUT | {"outcome": outcome, "reused": "1" if reused else "0"}, Seen(**known))
    return found.cause, found.detail


@pytest.mark.parametrize("kernel", ["idle-close", "in-flight-kill", "termination-race"])
def test_what_a_program_has_taken_was_killed_in_flight(kernel: str) -> None:
    for reused in (False, True):
        found = told(kernel, "x", "reset-before-response", reused=reused, taken=True, lasted_s=0.0005)
        assert found == ("in-flight-kill", "taken")


def test_a_reset_that_came_late_to_what_nobody_accepted_came_from_the_accept_queue() -> None:
    found = told("in-flight-kill", "fast-shutdown", "reset-before-response", lasted_s=0.5)
    assert found == ("termination-race", "accept-queue")


def test_a_reset_between_two_looks_at_the_kernels_tables_may_have_been_accepted_or_not() -> None:
    found = told("in-flight-kill", "fast-shutdown", "reset-before-response", lasted_s=0.03)
    assert found == ("unknown", "queued-or-accepted")


def test_a_reset_that_the_kernel_saw_in_the_queue_keeps_its_word() -> None:
    found = told("termination-race", "accept-queue", "reset-before-response", lasted_s=0.03)
    assert found == ("termination-race", "accept-queue")


def test_what_was_accepted_and_ended_was_killed_in_flight_unless_a_reset_shows_that_nobody_read_it() -> None:
    found = told("in-flight-kill", "fast-shutdown", "eof-before-response", accepted=True, lasted_s=0.5)
    assert found == ("in-flight-kill", "accepted")
    found = told("termination-race", "accept-queue", "reset-before-response", accepted=True, lasted_s=0.5)
    assert found == ("unknown", "accepted-and-unread")


@pytest.mark.parametrize(
    ("lasted_s", "expected"),
    [
        (0.0004, ("idle-close", "end-came-first")),
        (0.005, ("unknown", "end-or-request-first")),
        (0.05, ("in-flight-kill", "never-read")),
    ],
)
def test_a_kept_connection_that_nobody_read_goes_by_when_it_ended(lasted_s: float, expected: tuple[str, str]) -> None:
    found = told("idle-close", "keepalive-close-race", "eof-before-response", reused=True, lasted_s=lasted_s)
    assert found == expected


@pytest.mark.parametrize("lasted_s", [0.0004, 0.005, 0.05])
def test_a_server_that_closes_as_requests_come_killed_what_it_closed_so(lasted_s: float) -> None:
    kept = {"reused": True, "lasted_s": lasted_s, "on_request": True}
    expected = ("in-flight-kill", "closed-on-request")
    assert told("idle-close", "keepalive-close-race", "eof-before-response", **kept) == expected


@pytest.mark.parametrize(
    ("idle", "late", "closes"),
    [
        ({"what": "eof", "after_s": 2.2}, {"what": "eof", "after_s": 1.02}, True),
        ({"what": "open", "after_s": 0.0}, {"what": "eof", "after_s": 1.02}, True),
        ({"what": "eof", "after_s": 1.1}, {"what": "eof", "after_s": 1.1}, False),
        ({"what": "eof", "after_s": 0.1}, {"what": "closed before", "after_s": 0.1}, False),
        ({"what": "eof", "after_s": 5.8}, {"what": "answered", "after_s": 1.04}, False),
    ],
)
def test_whether_a_server_closes_as_requests_come_is_seen_at_its_stop(
    idle: dict[str, object], late: dict[str, object], closes: bool
) -> None:
    assert closes_on_request({"idle": idle, "asked_late": late}) is closes


@pytest.mark.parametrize(
    ("lasted_s", "expected"),
    [
        (0.0004, ("idle-close", "end-came-first")),
        (0.005, ("unknown", "idle-or-cut-by-live-pod")),
        (0.05, ("application", "cut-by-live-pod")),
    ],
)
def test_what_a_pod_closes_that_nobody_has_stopped_is_no_rollouts(lasted_s: float, expected: tuple[str, str]) -> None:
    kept = OUT | {"outcome": "eof-before-response", "reused": "1"}
    seen = Seen(taken=False, accepted=False, stopping=False, lasted_s=lasted_s)
    found = telling("idle-close", "keepalive-close-race", kept, seen)
    assert (found.cause, found.detail) == expected
    assert not found.lost
    assert not found.perhaps_lost


def test_a_time_out_at_a_stopping_pod_that_accepts_no_more_is_the_rollouts() -> None:
    found = told("application", "slow-answer", "read-timeout", lasted_s=5.0)
    assert found == ("termination-race", "never-accepted")


@pytest.mark.parametrize("seen", [{"taken": True}, {"accepted": True}, {"stopping": False}])
def test_a_time_out_of_what_was_taken_or_in_service_stays_a_slow_answer(seen: dict[str, bool]) -> None:
    assert told("application", "slow-answer", "read-timeout", lasted_s=5.0, **seen) == ("application", "slow-answer")


def test_an_error_of_a_stopping_pod_turned_the_request_away() -> None:
    found = told("application", "status-from-terminating-pod", "status")
    assert found == ("termination-race", "turned-away")


def test_the_kernels_word_stands_where_no_program_had_a_part() -> None:
    found = told("termination-race", "listener-closed", "connect-refused")
    assert found == ("termination-race", "listener-closed")


def test_the_log_tells_what_was_taken_from_a_client_in_a_span_of_time(tmp_path: Path) -> None:
    file = tmp_path / "requests.log"
    file.write_text(
        "1000.500000 web-a 10.0.0.1:4000 took /5ms\n"
        "1000.505000 web-a 10.0.0.1:4000 answered /5ms\n"
        "1003.000000 web-a 10.0.0.1:4001 took /5s\n"
    )
    log = RequestLog.read(file)
    assert log.took("10.0.0.1:4000", 1000.4, 1000.6)
    assert not log.took("10.0.0.1:4000", 1000.51, 1010.0), "answered is not taken"
    assert not log.took("10.0.0.1:4001", 1000.4, 1000.6)
    assert not log.took("10.0.0.1:4002", 0.0, 9999.0)
