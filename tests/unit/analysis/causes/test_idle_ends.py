"""Kept connections that are lost before an answer came: closed as idle, or killed with the request in hand."""

from __future__ import annotations

import re

import pytest

from harness.analysis import judge
from harness.model.result import FailedRequest, ScenarioResult, Verdict

from ..literal import history

# Answers of the kept stream take 60 ms; old-1 exits 0.3 s after its deletion.
RUN = """
    period 1
    update 8.0 complete 9.0 settled 9.8
    pod old-1 deleted 8.5 ended 8.8 gone 9.0
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..8.5 every 0.01 by old-2
    ok new 8.5..30 every 0.01 by new-1
    ok kept 0..8.5 every 0.1 by old-1 reused took 0.06
"""
LOST = "kept 8.6 by old-1 reused"


def judged(line: str, **more: object) -> ScenarioResult:
    return judge(history(RUN + line, **more))


def lost(line: str, **more: object) -> FailedRequest:
    (failure,) = judged(line, **more).failures
    return failure


@pytest.mark.parametrize(
    ("outcome", "acked"), [("eof-before-response", 0), ("reset-before-response", 0), ("reset-before-response", 60)]
)
def test_an_end_within_the_round_trip_was_under_way(outcome: str, acked: int) -> None:
    failure = lost(f"{outcome} {LOST} took 0.0008 acked {acked}")
    assert failure.cause == "idle-close"
    assert "the server was closing it as idle" in failure.evidence


def test_a_fin_that_acknowledges_the_whole_request_says_that_it_may_have_been_read() -> None:
    """Nobody can tell it from a server that closes for writing first, and met the request on its way: a doubt."""
    result = judged(f"eof-before-response {LOST} took 0.0008 acked 60")
    assert (result.verdict, result.causes) == (Verdict.INCONCLUSIVE, {"unknown": 1})
    assert "closed instead of answering" in result.failures[0].evidence


@pytest.mark.parametrize(
    "other",
    [
        "eof-before-response kept 8.65 by old-1 reused took 0.0008 acked 0",  # met by the same server, not read
        "eof-before-response kept 3.6 by old-1 reused took 0.0008 acked 60",  # so it does while it is in service
    ],
)
def test_a_server_that_closes_for_writing_first_is_told_by_its_other_ends(other: str) -> None:
    result = judged(f"eof-before-response {LOST} took 0.0008 acked 60\n{other}")
    assert result.causes == {"idle-close": 2}
    assert result.verdict == Verdict.SEAMLESS


def test_what_was_acknowledged_and_then_ended_was_killed_in_flight() -> None:
    result = judged(f"eof-before-response {LOST} took 0.02 acked 60")
    assert result.causes == {"in-flight-kill": 1}
    assert result.verdict == Verdict.DROPPING
    assert not any("counted apart" in note for note in result.notes)


def test_of_what_nothing_was_acknowledged_nothing_had_arrived() -> None:
    failure = lost(f"eof-before-response {LOST} took 0.02 acked 0")
    assert failure.cause == "idle-close"
    assert "nothing of it was acknowledged" in failure.evidence


@pytest.mark.parametrize("acked", [0, 60])
def test_a_reset_after_the_round_trip_was_taken_by_the_kernel_and_never_read(acked: int) -> None:
    """Within some 20 ms the kernel has not acknowledged yet what it has taken."""
    failure = lost(f"reset-before-response {LOST} took 0.02 acked {acked}")
    assert failure.cause == "in-flight-kill"
    assert "the program had not read it, or not answered it yet" in failure.evidence


def test_a_pause_of_the_loop_between_fin_and_reset_is_no_proof() -> None:
    assert lost(f"reset-before-response {LOST} took 0.004 acked 0").cause == "idle-close"


@pytest.mark.parametrize(
    ("took", "cause"), [(0.003, "idle-close"), (0.02, "in-flight-kill"), (0.06, "in-flight-kill"), (0.09, "idle-close")]
)
def test_without_the_kernels_word_the_latency_of_the_control_window_decides(took: float, cause: str) -> None:
    failure = lost(f"eof-before-response {LOST} took {took}")
    assert failure.cause == cause
    assert ("which cannot be told" in failure.evidence) == (took == 0.09)


def test_behind_a_hop_that_ends_the_connection_the_kernel_speaks_of_the_hop() -> None:
    line = f"eof-before-response {LOST} took 0.09 acked 60"
    assert lost(line).cause == "in-flight-kill"
    assert lost(line, path="ingress").cause == "idle-close"


def test_many_that_were_killed_are_no_idle_closes() -> None:
    """Thirty connections busy with 60 ms answers as the program exits: anything but seamless."""
    moments = " ".join(f"{8.7 + n / 500:.3f}" for n in range(30))
    result = judged(f"eof-before-response kept {moments} by old-1 reused until 8.76 acked 60")
    assert result.causes == {"in-flight-kill": 30}
    assert result.verdict == Verdict.DROPPING


# A live pod closes what is idle: five requests meet an end that is under way, in the rollout.
CLOSING = "\n".join(f"    reset-before-response kept 1{n}.5 by old-2 reused took 0.0004 acked 0" for n in range(5))


def test_a_live_server_that_comes_late_to_read_what_it_closes_as_idle_is_not_failing() -> None:
    late = "\n".join(f"    reset-before-response kept 1{n}.7 by old-2 reused took 0.03 acked 0" for n in range(5))
    result = judge(history(f"{RUN}{CLOSING}\n{late}"))
    assert result.causes == {"idle-close": 10}
    assert "had not come to read it" in result.failures[-1].evidence


def test_a_live_server_that_resets_more_than_it_closes_as_idle_fails() -> None:
    cut = "\n".join(f"    reset-before-response kept 17.{n} by old-2 reused took 0.03 acked 60" for n in range(6))
    result = judge(history(f"{RUN}{CLOSING}\n{cut}"))
    assert result.causes == {"idle-close": 5, "application": 6}


def test_a_live_server_that_ends_what_it_had_read_fails() -> None:
    cut = "\n".join(f"    eof-before-response kept 17.{n} by old-2 reused took 0.03 acked 60" for n in range(3))
    result = judge(history(f"{RUN}{CLOSING}\n{cut}"))
    assert result.causes == {"idle-close": 5, "application": 3}


BEFORE = CLOSING.replace("kept 1", "kept ")
AS_A_POD_STOPS = "    reset-before-response kept 8.7 reused took 0.03 acked 0"


def without_names(*lines: str) -> ScenarioResult:
    text = "\n".join((RUN, *lines))
    return judge(history(re.sub(r" by \S+", "", text)))


def test_of_a_server_that_closes_idle_connections_all_the_time_one_more_reset_as_a_pod_stops_tells_nothing() -> None:
    result = without_names(BEFORE, CLOSING, AS_A_POD_STOPS)
    assert result.causes == {"idle-close": 10, "unknown": 1}
    assert result.verdict == Verdict.INCONCLUSIVE


def test_of_any_other_server_it_was_never_read() -> None:
    result = without_names(AS_A_POD_STOPS)
    assert result.causes == {"in-flight-kill": 1}
    assert result.verdict == Verdict.DROPPING
