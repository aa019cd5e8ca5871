"""What really happened to a request, told in a line, has one true cause."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.instruments.truth.causes import Attempt, cause
from harness.sandbox.instruments.truth.world import Entry, ListeningSpan, Pod, Sync, World

CLIENT, WEB = ("10.200.1.10", 41000), ("10.244.1.7", 80)
SERVED = World(pods=(), entries={}, syncs=(Sync(0.0, 0.02, 2),), service=("10.96.0.9", 80))


def pod(listened: str = "1-", *, deletion: float | None = None, exits: str = "", gone: float | None = None) -> Pod:
    """`listened`: "1-10 12-": from 1 s to 10 s, and again from 12 s; looked up every 10 ms."""
    spans = []
    for span in listened.split():
        start, _, end = span.partition("-")
        closed = (float(end) - 0.01, float(end)) if end else (None, None)
        spans.append(ListeningSpan(float(start) - 0.01, float(start), *closed))
    return Pod(
        uid="u",
        address=WEB[0],
        attached=0.0,
        name="web-a",
        deletion=deletion,
        exits=[float(word) for word in exits.split()],
        gone=gone,
        listening={WEB[1]: spans} if spans else {},
    )


def judged(
    outcome: str,
    at: float,
    took: float = 0.001,
    *,
    to: Pod | None = None,
    reused: bool = False,
    tracked: float | None = 0.0,
    world: World = SERVED,
) -> tuple[str, str]:
    """The cause of a request sent `at`; `tracked`: how long after that its entry began (None: there is none)."""
    began = None if tracked is None else at + tracked
    entry = None if began is None else Entry(client=CLIENT, answering=WEB, began=began)
    attempt = Attempt(started=at, connected=at, ended=at + took, port=CLIENT[1], reused=reused, outcome=outcome)
    return cause(attempt, entry, to, world)


STOPPED = {"listened": "1-10", "deletion": 9.95, "exits": "10", "gone": 10.2}
CRASHED = {"listened": "1-10 12-", "exits": "10"}


@pytest.mark.parametrize(
    ("life", "outcome", "at", "took", "expected"),
    [
        ({"listened": "3-"}, "connect-refused", 2.0, 0.001, ("creation-race", "not-listening-yet")),
        ({"listened": ""}, "connect-refused", 2.0, 0.001, ("creation-race", "not-listening-yet")),
        ({"listened": "3-"}, "connect-refused", 2.995, 0.001, ("creation-race", "not-listening-yet")),
        (STOPPED, "connect-refused", 10.1, 0.001, ("termination-race", "listener-closed")),
        (STOPPED, "connect-refused", 9.995, 0.001, ("termination-race", "listener-closed")),
        (STOPPED, "connect-timeout", 10.5, 1.0, ("termination-race", "pod-network-gone")),
        (STOPPED, "unreachable", 10.5, 3.0, ("termination-race", "pod-network-gone")),
        (STOPPED, "reset-before-response", 9.98, 0.01, ("termination-race", "accept-queue")),
        (STOPPED, "reset-mid-response", 8.0, 1.99, ("in-flight-kill", "fast-shutdown")),
        (STOPPED, "eof-before-response", 9.0, 0.99, ("in-flight-kill", "fast-shutdown")),
        (STOPPED, "read-timeout", 9.0, 5.0, ("in-flight-kill", "pod-network-gone")),
        (STOPPED, "status", 9.97, 0.01, ("application", "status-from-terminating-pod")),
        ({}, "status", 5.0, 0.01, ("application", "status-from-live-pod")),
        ({}, "read-timeout", 5.0, 5.0, ("application", "slow-answer")),
        ({"listened": "1-16", "deletion": 9.0}, "read-timeout", 8.0, 5.0, ("application", "slow-answer")),
        ({"listened": "1-16", "deletion": 9.0}, "read-timeout", 9.5, 5.0, ("termination-race", "never-accepted")),
        ({}, "connect-timeout", 5.0, 1.0, ("application", "no-answer-from-live-pod")),
        ({}, "eof-mid-response", 5.0, 1.0, ("application", "cut-by-live-pod")),
        ({}, "protocol-error", 5.0, 1.0, ("application", "bad-answer")),
        (CRASHED, "connect-refused", 11.0, 0.001, ("application", "crashed-pod")),
        (CRASHED, "eof-before-response", 9.99, 0.01, ("application", "crashed-pod")),
    ],
)
def test_a_new_connection(
    life: dict[str, Any], outcome: str, at: float, took: float, expected: tuple[str, str]
) -> None:
    assert judged(outcome, at, took, to=pod(**life)) == expected


@pytest.mark.parametrize(
    ("outcome", "at", "took", "expected"),
    [
        ("reset-before-response", 9.999, 0.0005, ("idle-close", "keepalive-close-race")),
        ("reset-before-response", 9.99, 0.01, ("unknown", "end-or-request-first")),
        ("reset-before-response", 9.8, 0.2, ("in-flight-kill", "never-read")),
        ("eof-before-response", 9.999, 0.0005, ("idle-close", "keepalive-close-race")),
        ("eof-before-response", 9.99, 0.01, ("unknown", "end-or-request-first")),
        ("eof-before-response", 9.5, 0.5, ("in-flight-kill", "fast-shutdown")),
        ("reset-mid-response", 9.999, 0.002, ("in-flight-kill", "fast-shutdown")),
        ("read-timeout", 10.5, 5.0, ("termination-race", "pod-network-gone")),
    ],
)
def test_a_kept_connection_to_a_pod_that_stops(outcome: str, at: float, took: float, expected: tuple[str, str]) -> None:
    assert judged(outcome, at, took, to=pod(**STOPPED), reused=True, tracked=-5.0) == expected


def test_a_kept_connection_that_a_live_server_closes_is_idle() -> None:
    told = judged("reset-before-response", 5.0, to=pod(), reused=True, tracked=-3.0)
    assert told == ("idle-close", "keepalive-close-race")


def test_a_connection_that_was_seen_accepted_did_not_wait_in_the_queue() -> None:
    stopped = pod(**STOPPED)
    stopped.accepted[CLIENT] = [9.97]
    assert judged("reset-before-response", 9.96, 0.03, to=stopped) == ("in-flight-kill", "fast-shutdown")
    stopping = pod(listened="1-16", deletion=9.0)
    stopping.accepted[CLIENT] = [9.52]
    assert judged("read-timeout", 9.5, 5.0, to=stopping) == ("application", "slow-answer")


def test_an_entry_older_than_the_connection_is_stale() -> None:
    told = judged("connect-timeout", 50.0, 1.0, to=pod(**STOPPED), tracked=-40.0)
    assert told == ("stale-conntrack", "entry-to-dead-pod")


@pytest.mark.parametrize(
    ("outcome", "at", "expected"),
    [
        ("connect-refused", 5.0, ("no-endpoints", "rejected")),
        ("connect-timeout", 5.0, ("no-endpoints", "rejected-without-icmp")),
        ("connect-refused", 3.99, ("no-endpoints", "rejected")),  # while the rules were being taken away
        ("connect-timeout", 7.99, ("no-endpoints", "rejected-without-icmp")),
        ("connect-timeout", 8.5, ("unknown", "not-tracked")),
        ("connect-refused", 1.0, ("unknown", "not-tracked")),
    ],
)
def test_what_the_node_did_not_track_met_rules_without_endpoints(
    outcome: str, at: float, expected: tuple[str, str]
) -> None:
    world = World(pods=(), entries={}, syncs=(Sync(0.0, 0.02, 2), Sync(3.98, 4.0, 0), Sync(7.98, 8.0, 1)), service=None)
    assert judged(outcome, at, tracked=None, world=world) == expected


def test_a_connection_between_two_rule_sets_that_have_endpoints_was_not_translated() -> None:
    world = World(pods=(), entries={}, syncs=(Sync(0.0, 0.02, 2), Sync(3.98, 4.0, 1)), service=None)
    assert judged("connect-timeout", 3.99, 1.0, tracked=None, world=world) == (
        "no-endpoints",
        "untranslated-during-sync",
    )
