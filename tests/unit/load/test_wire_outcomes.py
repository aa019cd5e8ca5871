"""Each outcome of the design, met on a real connection with a server that misbehaves in exactly that way."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import trustme
import uvloop

from harness.load.attempt import Attempt, HeaderReader
from harness.load.deadlines import Deadlines
from harness.load.dial import Dialed, Dialer, handshake_end
from harness.load.outcomes import Phase, classify
from harness.load.plain import PlainTransport
from harness.load.plan import Engine, Stream
from harness.load.poller import READ, Poller
from harness.load.transport import Connection
from harness.model.request import Outcome, Request

from .servers import GOOD, Behaviour, Server, drip, few, half_close, load, one_by_one, raw, reset, says, silence

HEAD = b"HTTP/1.1 200 OK\r\nX-Pod: web-1\r\nContent-Length: 100\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"

MISBEHAVIOURS: dict[str, tuple[Behaviour, Outcome]] = {
    "rst instead of an answer": (reset, Outcome.RESET_BEFORE_RESPONSE),
    "fin instead of an answer": (says(), Outcome.EOF_BEFORE_RESPONSE),
    "half-close instead of an answer": (half_close, Outcome.EOF_BEFORE_RESPONSE),
    "rst in the status line": (says(b"HTTP/1.1 20", then=reset), Outcome.RESET_MID_RESPONSE),
    "fin in the headers": (says(b"HTTP/1.1 200 OK\r\nX-Po"), Outcome.EOF_MID_RESPONSE),
    "rst in the body": (says(HEAD + b"hello", then=reset), Outcome.RESET_MID_RESPONSE),
    "fin before the length is reached": (says(HEAD + b"hello"), Outcome.EOF_MID_RESPONSE),
    "half-close in the body": (says(HEAD + b"hello", then=half_close), Outcome.EOF_MID_RESPONSE),
    "fin between chunks": (says(CHUNKED), Outcome.EOF_MID_RESPONSE),
    "rst in a chunk": (says(CHUNKED + b"5\r\nhe", then=reset), Outcome.RESET_MID_RESPONSE),
    "a chunk size that is none": (says(CHUNKED + b"zz\r\nhello\r\n"), Outcome.PROTOCOL_ERROR),
    "another protocol": (says(b"SSH-2.0-OpenSSH_9.7\r\n"), Outcome.PROTOCOL_ERROR),
    "zero bytes": (says(b"\0" * 64), Outcome.PROTOCOL_ERROR),
    "silence": (silence, Outcome.READ_TIMEOUT),
    "silence in the body": (says(HEAD, then=silence), Outcome.READ_TIMEOUT),
    "a byte at a time": (says(b"HTTP/1.1 200 OK\r\nX-Slow: ", then=drip), Outcome.READ_TIMEOUT),
    "an interim answer and then nothing": (says(b"HTTP/1.1 100 Continue\r\n\r\n"), Outcome.EOF_MID_RESPONSE),
    "503": (says(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), Outcome.STATUS),
    "another protocol that nobody asked for": (
        says(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n\0\0\0"),
        Outcome.PROTOCOL_ERROR,
    ),
    "redirect": (says(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), Outcome.STATUS),
}
GOOD_MANNERS: dict[str, Behaviour] = {
    "an interim answer first": says(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", GOOD),
    "an answer that ends with the connection": says(b"HTTP/1.1 200 OK\r\nX-Pod: web-1\r\n\r\nok"),
    "an answer that ends with a half-close": says(b"HTTP/1.1 200 OK\r\nX-Pod: web-1\r\n\r\nok", then=half_close),
    "http 1.0": says(b"HTTP/1.0 200 OK\r\nX-Pod: web-1\r\n\r\nok"),
    "chunks": says(
        b"HTTP/1.1 200 OK\r\nX-Pod: web-1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"
    ),
    "byte for byte": says(*(GOOD[n : n + 1] for n in range(len(GOOD)))),
    "reset after the answer": says(GOOD, then=reset),
}
CLOSE_DELIMITED = ("an answer that ends with the connection", "an answer that ends with a half-close", "http 1.0")


def the_one(records: list[Request]) -> Request:
    (record,) = records
    assert record.ended is not None
    assert record.started is not None
    times = (record.scheduled, record.started, record.connected, record.first_byte, record.ended)
    came = [time for time in times if time is not None]
    assert came == sorted(came)
    return record


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_a_misbehaviour_gives_exactly_its_outcome(name: str, server: Callable[..., Server], engine: Engine) -> None:
    behaviour, outcome = MISBEHAVIOURS[name]
    started = server(lambda n: behaviour)
    record = the_one(load(few(started.url(), engine, read_timeout_s=0.4)))
    assert record.outcome == outcome
    assert record.connected is not None
    assert record.local_port == started.source_ports[0]
    assert not record.reused
    assert (record.first_byte is None) == (outcome.value.endswith("before-response") or name == "silence")


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_a_machine_without_epoll_sees_the_same(
    name: str, server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.load.poller.AVAILABLE", False)
    behaviour, outcome = MISBEHAVIOURS[name]
    plan = few(server(lambda n: behaviour).url(), Engine.ASYNCIO, read_timeout_s=0.4, requests=3)
    assert [record.outcome for record in load(plan)] == [outcome] * 3


@pytest.mark.parametrize("name", GOOD_MANNERS)
def test_unusual_but_whole_answers_are_ok(name: str, server: Callable[..., Server], engine: Engine) -> None:
    record = the_one(load(few(server(lambda n: GOOD_MANNERS[name]).url(), engine)))
    assert (record.outcome, record.status, record.bytes, record.pod) == (Outcome.OK, 200, 2, "web-1")
    assert record.close_delimited == (name in CLOSE_DELIMITED)


def test_an_answer_given_before_the_request_was_read_counts(server: Callable[..., Server], engine: Engine) -> None:
    # Closing with the request unread makes the kernel send RST behind the answer.
    early = server(accepted=says(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"))
    records = load(few(early.url(), engine, requests=20))
    assert [(record.outcome, record.status) for record in records] == [(Outcome.STATUS, 429)] * 20


def test_rst_before_anything_was_read_is_a_reset_and_not_a_refusal(
    server: Callable[..., Server], engine: Engine
) -> None:
    records = load(few(server(accepted=reset).url(), engine, requests=20))
    assert {record.outcome for record in records} == {Outcome.RESET_BEFORE_RESPONSE}


def test_what_counts_as_success_is_the_plans_choice(server: Callable[..., Server], engine: Engine) -> None:
    teapot = server(lambda n: says(b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n"))
    assert the_one(load(few(teapot.url(), engine, success=((418, 418),)))).outcome == Outcome.OK
    assert the_one(load(few(teapot.url(), engine, success=((200, 399),)))).outcome == Outcome.STATUS


@pytest.mark.parametrize("pieces", [[b'{"ok":true}'], [b'{"o', b'k"', b":tru", b"e}"]], ids=["whole", "in pieces"])
def test_a_good_status_with_another_body_than_is_wanted_is_no_success(
    pieces: list[bytes], server: Callable[..., Server], engine: Engine
) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    answering = server(lambda n: says(head + chunks + b"0\r\n\r\n"))
    assert the_one(load(few(answering.url(), engine, contains='"ok":true'))).outcome == Outcome.OK
    assert the_one(load(few(answering.url(), engine, contains='"ok":false'))).outcome == Outcome.STATUS


def test_nobody_listening_is_refused(engine: Engine) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        record = the_one(load(few(f"http://127.0.0.1:{bound.getsockname()[1]}/", engine)))
    assert record.outcome == Outcome.CONNECT_REFUSED
    assert record.connected is None
    assert record.local_port


def test_a_full_backlog_is_a_connect_timeout(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, ExitStack() as callers:
        for _ in range(4):  # the kernel takes one or two, and drops every SYN after that
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            assert caller.connect_ex(deaf.getsockname()) == errno.EINPROGRESS
        record = the_one(load(few(f"http://127.0.0.1:{deaf.getsockname()[1]}/", engine, connect_timeout_s=0.3)))
    assert (record.outcome, record.connected) == (Outcome.CONNECT_TIMEOUT, None)
    assert record.ended is not None
    assert record.started is not None
    assert record.ended - record.started > 0.29
    assert record.local_port


def test_a_name_that_cannot_be_resolved_is_a_dns_error(engine: Engine) -> None:
    too_long = "a" * 64  # for a label, so that no name server needs to be asked
    record = the_one(load(few(f"http://{too_long}.test/", engine)))
    assert (record.outcome, record.connected, record.local_port) == (Outcome.DNS_ERROR, None, None)


def test_without_a_free_slot_a_request_is_unsent_and_numbered_all_the_same(
    server: Callable[..., Server], engine: Engine
) -> None:
    plan = few(server(lambda n: silence).url(), engine, read_timeout_s=1.0)
    one_slot = Stream(name="new", rate_per_s=100, slots=1)
    records = load(type(plan)(url=plan.url, engine=engine, streams=(one_slot,), duration_s=0.1, read_timeout_s=1.0))
    assert sorted(record.seq for record in records) == list(range(10))
    assert [r.outcome for r in sorted(records, key=lambda r: r.seq)] == [Outcome.READ_TIMEOUT] + [Outcome.UNSENT] * 9
    assert {(r.started, r.connected, r.local_port) for r in records if r.outcome == Outcome.UNSENT} == {(None,) * 3}


# --- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def wrap(authority: trustme.CA) -> Iterator[Callable[[socket.socket], ssl.SSLSocket]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "shop.test").configure_cert(context)

    def over(peer: socket.socket) -> ssl.SSLSocket:
        return context.wrap_socket(peer, server_side=True, suppress_ragged_eofs=True)

    return over


def trusted(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


LATER: dict[str, tuple[Behaviour, Outcome]] = {
    "a good answer": (says(GOOD, then=silence), Outcome.OK),
    "fin without a goodbye": (raw(says()), Outcome.EOF_BEFORE_RESPONSE),
    "rst": (raw(reset), Outcome.RESET_BEFORE_RESPONSE),
    "bytes that are no record": (raw(says(b"HTTP/1.1 200 OK\r\n\r\n" * 9)), Outcome.PROTOCOL_ERROR),
    "fin in the body": (says(HEAD + b"hello", then=raw(says())), Outcome.EOF_MID_RESPONSE),
    "rst in the body": (says(HEAD + b"hello", then=raw(reset)), Outcome.RESET_MID_RESPONSE),
    "silence": (silence, Outcome.READ_TIMEOUT),
}


@pytest.mark.parametrize("name", LATER)
def test_tls_that_breaks_after_the_handshake_is_like_anything_else(
    name: str,
    server: Callable[..., Server],
    engine: Engine,
    wrap: Callable[[socket.socket], ssl.SSLSocket],
    authority: trustme.CA,
) -> None:
    behaviour, outcome = LATER[name]
    url = server(lambda n: behaviour, wrap=wrap).url("https")
    record = the_one(load(few(url, engine, ca_pem=trusted(authority), read_timeout_s=1.0)))
    assert record.outcome == outcome


HANDSHAKES: dict[str, Behaviour] = {
    "plain http": says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", then=silence),
    "fin": says(),
    "rst": reset,
    "silence": silence,
}


@pytest.mark.parametrize("name", HANDSHAKES)
def test_a_handshake_that_fails_is_a_tls_error(name: str, server: Callable[..., Server], engine: Engine) -> None:
    url = server(accepted=HANDSHAKES[name]).url("https")
    patience_s = 2.0 if name == "silence" else 10.0
    record = the_one(load(few(url, engine, connect_timeout_s=patience_s)))
    assert record.outcome == Outcome.TLS_ERROR
    assert record.connected is not None


def test_a_certificate_that_nobody_vouches_for_is_a_tls_error(
    server: Callable[..., Server], engine: Engine, wrap: Callable[[socket.socket], ssl.SSLSocket]
) -> None:
    url = server(lambda n: says(GOOD), wrap=wrap).url("https")
    assert the_one(load(few(url, engine))).outcome == Outcome.TLS_ERROR
    assert the_one(load(few(url, engine, insecure=True))).outcome == Outcome.OK


def test_the_certificate_is_held_against_the_host_that_was_asked_for(
    server: Callable[..., Server],
    engine: Engine,
    wrap: Callable[[socket.socket], ssl.SSLSocket],
    authority: trustme.CA,
) -> None:
    url, trust = server(wrap=wrap).url("https"), trusted(authority)
    assert the_one(load(few(url, engine, ca_pem=trust, host="shop.test"))).outcome == Outcome.OK
    assert the_one(load(few(url, engine, ca_pem=trust, host="else.test"))).outcome == Outcome.TLS_ERROR


def test_kept_connections_work_over_tls(
    server: Callable[..., Server],
    engine: Engine,
    wrap: Callable[[socket.socket], ssl.SSLSocket],
    authority: trustme.CA,
) -> None:
    closing = {4: says(GOOD)}
    url = server(closing.get, wrap=wrap).url("https")
    records, replaced = one_by_one(few(url, engine, connections=1, ca_pem=trusted(authority)), 10)
    assert {record.outcome for record in records} == {Outcome.OK}
    assert [record.seq for record in records if not record.reused] == [0, 5]
    assert replaced == 1


def test_an_answer_that_waits_when_our_own_write_fails_still_counts() -> None:
    # The server answers, then resets, all before the client gets its turn to write.
    recorded: list[tuple[int | None, BaseException | None]] = []

    async def exchange() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ours = socket.create_connection(listener.getsockname())
            peer, _ = listener.accept()
        ours.setblocking(False)
        peer.sendall(GOOD)
        select.select([ours], [], [], 10)
        reset(peer)
        loop, plan = asyncio.get_running_loop(), few("http://127.0.0.1/", Engine.ASYNCIO)
        ended: asyncio.Future[None] = loop.create_future()

        def done(connection: Connection, attempt: Attempt, error: BaseException | None) -> None:
            recorded.append((attempt.status, error))
            ended.set_result(None)

        deadlines, watcher = Deadlines(10, clock=loop.time), Poller()
        connection = Connection(
            ours,
            ours.getsockname()[1],
            clock=loop.time,
            headers=HeaderReader(plan),
            made=lambda made: made.send(b"GET / HTTP/1.1\r\n\r\n", Attempt("new", 0, 0, 0), done, deadlines),
            lost=lambda lost: gone.set_result(None),
        )
        gone: asyncio.Future[None] = loop.create_future()
        transport = PlainTransport(ours, watcher, connection)
        watcher.watch(ours.fileno(), READ, transport.ready)
        connection.connection_made(transport)
        await asyncio.wait_for(ended, 10)
        connection.abort()
        await asyncio.wait_for(gone, 10)
        assert ours.fileno() < 0
        deadlines.close()
        watcher.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(exchange())
    assert recorded == [(200, None)]


def test_a_connection_that_the_peer_closed_and_reset_before_we_looked_was_no_refusal() -> None:
    attempt, plan = Attempt("new", 0, 0, 0), few("http://127.0.0.1/", Engine.ASYNCIO)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        peer, _ = listener.accept()
    with ours:
        peer.shutdown(socket.SHUT_WR)
        reset(peer)
        select.select([ours], [], [], 10)
        dialed = Dialed(ours, ("", 0), 0.0, handshake_end(ours), sent=True)
        attempt.phase, attempt.connected = Phase.CONNECT, 0.0
        with pytest.raises(OSError, match=os.strerror(errno.EPIPE)) as broken:
            Dialer(plan, clock=lambda: 0.0).settle(dialed, attempt)
    assert classify(attempt.phase, broken.value) is Outcome.RESET_BEFORE_RESPONSE
