"""A failure behind a proxy has the cause of what that met, which is not what its client saw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.sandbox.instruments.truth.behind import Behind
from harness.sandbox.instruments.truth.proxied import End, Passed
from harness.sandbox.instruments.truth.world import Entry, ListeningSpan, Pod, World

PROXY, WEB = ("10.204.1.1", 50000), ("10.244.1.7", 8080)


def pod(**fields: Any) -> Pod:
    """One that listened from 1 s to 10 s; looked up every 10 ms."""
    spans = {WEB[1]: [ListeningSpan(0.99, 1.0, 9.99, 10.0)]}
    told: dict[str, Any] = {"uid": "u", "address": WEB[0], "attached": 0.0, "ready": 1.0, "listening": spans}
    return Pod(**(told | fields))


STOPPED = pod(deletion=9.95, gone=10.2, exits=[10.0])
ALIVE = pod(listening={WEB[1]: [ListeningSpan(0.99, 1.0)]})


def behind(*pods: Pod, by_node: bool = False, entries: dict[int, tuple[Entry, ...]] | None = None) -> Behind:
    world = World(pods=pods, entries=entries or {}, syncs=(), service=None)
    return Behind(worlds={PROXY[0]: world}, by_node=by_node, removal_s=2.0)


def passed(end: End, began: float, took_s: float = 0.001, **fields: Any) -> Passed:
    told: dict[str, Any] = {"client_port": 41000, "target": WEB, "source": PROXY, "status": 502}
    return Passed(began=began, ended=began + took_s, end=end, **(told | fields))


@pytest.mark.parametrize(
    ("of", "request_", "expected"),
    [
        (STOPPED, passed(End.REFUSED, 10.1), ("termination-race", "listener-closed")),
        (STOPPED, passed(End.UNCONNECTED, 10.5, 5.0), ("termination-race", "pod-network-gone")),
        (STOPPED, passed(End.CLOSED, 9.98, 0.02), ("termination-race", "accept-queue")),
        (STOPPED, passed(End.CLOSED, 9.98, 0.02, reused=True), ("termination-race", "keepalive-close-at-stop")),
        (STOPPED, passed(End.CLOSED, 9.0, 1.0, reused=True), ("in-flight-kill", "fast-shutdown")),
        (STOPPED, passed(End.CUT, 9.0, 1.0), ("in-flight-kill", "fast-shutdown")),
        (STOPPED, passed(End.DRAINED, 9.0, 0.5), ("in-flight-kill", "draining-over")),
        (ALIVE, passed(End.REFUSED, 0.5), ("creation-race", "not-listening-yet")),
        (ALIVE, passed(End.CLOSED, 5.0, reused=True), ("backend-close", "keepalive-close-race")),
        (ALIVE, passed(End.CLOSED, 5.0), ("application", "cut-by-live-pod")),
        (ALIVE, passed(End.LATE, 5.0, 5.0), ("application", "slow-answer")),
        (ALIVE, passed(End.ANSWERED, 5.0, status=503), ("application", "status-from-live-pod")),
        (ALIVE, passed(End.NO_TARGET, 5.0, target=None, source=None), ("creation-race", "unregistered")),
        (ALIVE, passed(End.NO_TARGET, 2.5, target=None, source=None), ("no-endpoints", "no-target")),
        (STOPPED, passed(End.NO_TARGET, 11.0, target=None, source=None), ("no-endpoints", "no-target")),
        (ALIVE, passed(End.TURNED_AWAY, 5.0, target=None, source=None), ("application", "no-route")),
    ],
)
def test_what_a_proxy_met_has_one_true_cause(of: Pod, request_: Passed, expected: tuple[str, str]) -> None:
    assert behind(of).cause(request_) == expected


def test_a_reset_of_what_waited_in_the_queue_is_told_from_what_had_been_accepted() -> None:
    taken = pod(deletion=9.95, gone=10.2, exits=[10.0], accepted={PROXY: [9.985]})
    assert behind(taken).cause(passed(End.CLOSED, 9.98, 0.02)) == ("in-flight-kill", "fast-shutdown")


def test_what_the_proxy_wrote_nothing_of_is_not_known() -> None:
    assert behind(ALIVE).cause(None) == ("unknown", "not-logged")
    assert behind(ALIVE).pod(None) is None


def test_where_targets_are_nodes_the_nodes_table_tells_the_pod() -> None:
    node = ("10.200.1.2", 30080)
    sent = Entry(client=PROXY, answering=WEB, began=5.0)
    told = behind(ALIVE, by_node=True, entries={PROXY[1]: (sent,)})
    assert told.pod(passed(End.ANSWERED, 5.0, target=node)) is ALIVE
    assert told.pod(passed(End.ANSWERED, 5.0, target=node, source=None)) is None
    assert behind(ALIVE, by_node=True).cause(passed(End.REFUSED, 5.0, target=node)) == ("unknown", "not-tracked")


def test_a_pod_whose_prestop_hook_runs_closes_idle_connections_as_ever() -> None:
    held = replace(STOPPED, deletion=4.0)
    closed = passed(End.CLOSED, 6.0, reused=True)
    assert behind(held).cause(closed) == ("backend-close", "keepalive-close-race")
