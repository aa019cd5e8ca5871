"""The open loop: exactly what the server did is in the records, no more and no less."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.load.plan import Engine, Plan, Stream
from harness.model.request import Outcome

from .servers import GOOD, Behaviour, Server, all_sent, few, load, one_by_one, reset, says, silence

FIN = says()
ERROR = says(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")


def breaking(numbers: dict[int, Behaviour]) -> Callable[[int], Behaviour | None]:
    """The requests that are broken, and how."""
    return lambda n: numbers.get(n)


@pytest.mark.parametrize("connections", [0, 5])
def test_no_misbehaviour_no_failure(server: Callable[..., Server], engine: Engine, connections: int) -> None:
    records = all_sent(lambda: load(few(server().url(), engine, requests=60, connections=connections)))
    assert [record.seq for record in sorted(records, key=lambda record: record.seq)] == list(range(60))
    assert {(record.outcome, record.pod, record.via) for record in records} == {(Outcome.OK, "web-1", "test/1")}


@pytest.mark.parametrize("connections", [0, 5])
def test_exactly_the_broken_requests_fail(server: Callable[..., Server], engine: Engine, connections: int) -> None:
    broken = {n: (reset, FIN, ERROR)[n % 3] for n in range(0, 80, 7)}
    records = all_sent(lambda: load(few(server(breaking(broken)).url(), engine, requests=80, connections=connections)))
    assert sorted(record.seq for record in records) == list(range(80))
    assert Counter(record.outcome for record in records if record.outcome.failed) == Counter(
        (Outcome.RESET_BEFORE_RESPONSE, Outcome.EOF_BEFORE_RESPONSE, Outcome.STATUS)[n % 3] for n in broken
    )


@settings(max_examples=8, deadline=None)
@given(broken=st.sets(st.integers(0, 29)), connections=st.sampled_from([0, 3]))
def test_exactly_k_of_n(broken: set[int], connections: int) -> None:
    started = Server(breaking(dict.fromkeys(broken, reset)))
    try:
        records = load(few(started.url(), Engine.ASYNCIO, requests=30, connections=connections))
    finally:
        started.close()
    assert sum(record.outcome.failed for record in records) == len(broken)
    assert len(records) == 30


def test_kept_connections_are_opened_once_and_take_turns(server: Callable[..., Server], engine: Engine) -> None:
    started = server()
    records, replaced = one_by_one(few(started.url(), engine, connections=4), 20)
    assert [record.reused for record in records] == [False] * 4 + [True] * 16
    assert all(record.connected is None for record in records if record.reused)
    assert [record.local_port for record in records] == started.source_ports * 5
    assert replaced == 0


def test_kept_connections_stay_kept_while_more_requests_are_in_flight(server: Callable[..., Server]) -> None:
    """They are answered one by one, and more slowly than they come: some wait on connections of their own."""
    started = server(lambda _: time.sleep(0.03))
    records = load(few(started.url(), Engine.ASYNCIO, requests=50, connections=2))
    reused = [record for record in records if record.reused]
    assert len(records) == 50
    assert not any(record.outcome.failed for record in records)
    assert len(reused) >= 2
    assert len({record.local_port for record in reused}) == 2


def test_a_kept_connection_lost_after_sending_is_a_failure_and_never_sent_again(
    server: Callable[..., Server], engine: Engine
) -> None:
    started = server(breaking({4: FIN, 9: reset}))
    records, replaced = one_by_one(few(started.url(), engine, connections=2), 20)
    assert [(record.seq, record.outcome) for record in records if record.outcome.failed] == [
        (4, Outcome.EOF_BEFORE_RESPONSE),
        (9, Outcome.RESET_BEFORE_RESPONSE),
    ]
    assert sum(not record.reused for record in records) == 4
    assert (replaced, started.requests) == (0, 20)  # as many requests arrived as were recorded


def test_a_kept_connection_found_closed_is_replaced_and_no_failure(
    server: Callable[..., Server], engine: Engine
) -> None:
    answer_and_close = says(GOOD)
    started = server(breaking(dict.fromkeys(range(4, 25, 5), answer_and_close)))
    closed_before = lambda seq: started.closed >= seq // 5  # noqa: E731
    records, replaced = one_by_one(few(started.url(), engine, connections=1), 30, ready=closed_before)
    assert {record.outcome for record in records} == {Outcome.OK}
    assert [record.seq for record in records if not record.reused] == list(range(0, 30, 5))
    assert replaced == 5


@pytest.mark.parametrize("behind", [GOOD[:40], GOOD, b"junk"])
def test_what_comes_right_behind_an_answer_is_no_answer_to_the_next_request(
    server: Callable[..., Server], behind: bytes
) -> None:
    started = server(breaking({1: says(GOOD + behind, then=silence)}))
    records, _ = one_by_one(few(started.url(), Engine.ASYNCIO, connections=1, read_timeout_s=2.0), 4)
    assert [(record.outcome, record.bytes) for record in records] == [(Outcome.OK, 2)] * 4
    assert [record.reused for record in records] == [False, True, False, True]


def test_an_answer_larger_than_any_buffer_is_read_whole(server: Callable[..., Server], engine: Engine) -> None:
    size = 5_000_000
    large = says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size, b"x" * size)
    records, _ = one_by_one(few(server(lambda n: large).url(), engine), 3)
    assert [(record.outcome, record.bytes) for record in records] == [(Outcome.OK, size)] * 3


def test_connection_close_is_heeded(server: Callable[..., Server], engine: Engine) -> None:
    polite = says(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    records, replaced = one_by_one(few(server(lambda n: polite).url(), engine, connections=3), 10)
    assert {(record.outcome, record.reused) for record in records} == {(Outcome.OK, False)}
    assert replaced == 0


def test_slow_answers_do_not_close_the_open_loop(server: Callable[..., Server], engine: Engine) -> None:
    # 20 requests on 2 kept connections while nobody answers: all start on time all the same.
    mute = says(then=lambda peer: peer.recv(1))
    records = load(few(server(lambda n: mute).url(), engine, requests=20, connections=2, read_timeout_s=1.5))
    assert Counter(record.outcome for record in records) == {Outcome.READ_TIMEOUT: 20}
    assert max(record.started or 0 for record in records) < min(record.ended or 0 for record in records)


def test_source_ports_are_used_in_turn(server: Callable[..., Server], engine: Engine) -> None:
    started = server()
    ranges = ((21000, 21009), (23000, 23004))
    # One by one: a port is used again only when it is free, however slow the machine is.
    records, _ = one_by_one(few(started.url(), engine, source_addresses=("127.0.0.1",), ports=ranges), 45)
    assert {record.outcome for record in records} == {Outcome.OK}
    in_order = [record.local_port for record in sorted(records, key=lambda record: record.seq)]
    assert in_order == [*range(21000, 21010), *range(23000, 23005)] * 3
    assert sorted(started.source_ports) == sorted(port for port in in_order if port)


def test_a_request_that_comes_a_second_late_is_unsent(server: Callable[..., Server]) -> None:
    # The schedule began 3 s before the worker did: what is older than a second is not sent in one burst.
    plan = few(server().url(), Engine.ASYNCIO, requests=1)
    late = Plan(url=plan.url, streams=(Stream(name="new", rate_per_s=10),), start_s=-3.0, duration_s=3.5)
    records = load(late)
    assert sorted(record.seq for record in records) == list(range(35))
    counted = Counter(record.outcome for record in records)
    assert counted[Outcome.UNSENT] in (20, 21)
    assert counted[Outcome.OK] == 35 - counted[Outcome.UNSENT]


def test_when_every_planned_port_is_in_use_a_request_is_unsent(server: Callable[..., Server], engine: Engine) -> None:
    mute = says(then=silence)
    plan = few(server(lambda n: mute).url(), engine, requests=5, ports=((24000, 24001),), read_timeout_s=1.0)
    records = load(plan)
    assert Counter(record.outcome for record in records) == {Outcome.READ_TIMEOUT: 2, Outcome.UNSENT: 3}


def test_a_port_held_by_another_process_is_passed_over(server: Callable[..., Server], engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ports = ((taken, taken), (24010, 24019))
        records = load(few(server().url(), engine, requests=4, source_addresses=("127.0.0.1",), ports=ports))
    assert {record.outcome for record in records} == {Outcome.OK}
    assert sorted(record.local_port or 0 for record in records) == [24010, 24011, 24012, 24013]


def test_answers_to_head_have_no_body(server: Callable[..., Server], engine: Engine) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    started = server(lambda n: says(head, then=silence))
    records, _ = one_by_one(few(started.url(), engine, method="HEAD", read_timeout_s=1.0), 3)
    assert {(record.outcome, record.bytes) for record in records} == {(Outcome.OK, 0)}


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_stays_open_afterwards(engine: Engine) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as first:
        first.run(asyncio.sleep(0))  # libuv opens a pipe for signals once, for as long as the process lives
    before = open_descriptors()
    started = Server(breaking({3: reset, 5: FIN, 8: ERROR}))
    for connections in (0, 3):
        load(few(started.url(), engine, requests=30, connections=connections))
    started.close()
    assert open_descriptors() <= before
