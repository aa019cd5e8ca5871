"""Servers that misbehave in exactly one way, and a way to send a plan at them from this process.

A behaviour is a function of a connection whose request has just been read; the connection is closed after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

import uvloop

import harness.load.httpx_engine  # noqa: F401  here and not in the middle of a schedule: it takes up to a second
from harness.load.attempt import Attempt
from harness.load.capacity import sender_type
from harness.load.engine import Engine
from harness.load.plan import Engine as EngineName
from harness.load.plan import Plan, Stream
from harness.load.worker import run_clock
from harness.model.request import Outcome, Request

Behaviour = Callable[[Any], None]

GOOD = b"HTTP/1.1 200 OK\r\nServer: test/1\r\nX-Pod: web-1\r\nContent-Length: 2\r\n\r\nok"


def says(*parts: bytes, then: Behaviour = lambda peer: None) -> Behaviour:
    """Say something, and end with `then` (FIN where it is not given)."""

    def behave(peer: Any) -> None:
        for part in parts:
            peer.sendall(part)
        then(peer)

    return behave


def reset(peer: Any) -> None:
    """Close with RST."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def half_close(peer: Any) -> None:
    """Say nothing more, but go on listening until the client closes."""
    peer.shutdown(socket.SHUT_WR)
    silence(peer)


def silence(peer: Any) -> None:
    """Wait until the client closes."""
    while peer.recv(4096):
        pass


def drip(peer: Any) -> None:
    """A byte every 20 ms for as long as the client bears it."""
    pause = threading.Event()
    while not pause.wait(0.02):
        peer.sendall(b"x")


def raw(behaviour: Behaviour) -> Behaviour:
    """Do it to the TCP connection below TLS."""

    def behave(peer: Any) -> None:
        with socket.socket(fileno=peer.detach()) as below:
            behaviour(below)

    return behave


def read_request(peer: Any) -> bool:
    """Read a request without a body; whether there was one."""
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        if not (more := peer.recv(4096)):
            return False
        text += more
    return True


class Server:
    """Listens on an ephemeral port of loopback; each connection has a thread of its own.

    `breaks(n)` names the behaviour for the n-th request, None for a good answer; `accepted` replaces all of that with
    something done to a connection at once; `wrap` lays TLS over it.
    """

    def __init__(
        self,
        breaks: Callable[[int], Behaviour | None] = lambda n: None,
        *,
        accepted: Behaviour | None = None,
        wrap: Callable[[socket.socket], Any] | None = None,
    ) -> None:
        self._breaks, self._accepted, self._wrap = breaks, accepted, wrap
        self._lock, self.requests, self.peers = threading.Lock(), 0, list[Any]()
        self.source_ports: list[int] = []
        self.closed = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def url(self, scheme: str = "http") -> str:
        """Where it listens."""
        return f"{scheme}://127.0.0.1:{self.port}/"

    def close(self) -> None:
        """End all of it."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(10)
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, address = self._listener.accept()
            except OSError:
                return
            # Else Nagle holds back what a reset then throws away.
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.source_ports.append(address[1])
            self.peers.append(peer)
            self._threads.append(threading.Thread(target=self._serve, args=(peer,)))
            self._threads[-1].start()

    def _serve(self, peer: Any) -> None:
        try:
            if self._wrap is not None:
                peer = self._wrap(peer)
                self.peers.append(peer)
            if self._accepted is not None:
                self._accepted(peer)
                return
            while read_request(peer):
                with self._lock:
                    behaviour = self._breaks(self.requests)
                    self.requests += 1
                if behaviour is not None:
                    behaviour(peer)
                    return
                peer.sendall(GOOD)
        except OSError:
            pass  # the client went first
        finally:
            peer.close()
            with self._lock:
                self.closed += 1


def load(plan: Plan, *, then: Callable[[Engine], None] | None = None) -> list[Request]:
    """Follow a plan to its end in this process; `then` gets the engine afterwards."""
    records: list[Request] = []

    async def follow() -> None:
        clock = run_clock(plan)
        engine = Engine(
            plan,
            sender_type(plan.engine)(plan, clock=clock),
            clock=clock,
            record=lambda ended: records.append(ended.request()),
        )
        running = asyncio.ensure_future(engine.run())
        faults: list[BaseException] = []

        def fault(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            faults.append(context.get("exception") or RuntimeError(context["message"]))
            running.cancel()

        asyncio.get_running_loop().set_exception_handler(fault)
        await asyncio.wait([running], timeout=200)
        if faults:
            raise faults[0]
        assert running.done(), "the engine did not end within 30 s"
        if then is not None:
            then(engine)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(follow())
    return records


def one_by_one(
    plan: Plan, requests: int, *, ready: Callable[[int], bool] = lambda seq: True
) -> tuple[list[Request], int]:
    """Send requests of the plan's first stream, each when the one before has ended, whatever the machine's speed.

    `ready(seq)` holds a request back until what must come before it has come, such as the server's closing of a
    connection, and until the client's loop had a chance to hear of it. Returns their records, and how many kept
    connections were found closed.
    """
    (stream, *_), records = plan.streams, list[Request]()

    async def send() -> int:
        clock = run_clock(plan)
        sender = sender_type(plan.engine)(plan, clock=clock)
        for seq in range(requests):
            async with asyncio.timeout(60):
                while not ready(seq):  # noqa: ASYNC110 - the server is threads, which set no event of this loop
                    await asyncio.sleep(0.001)
            await asyncio.sleep(0.002)
            ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            attempt = Attempt(stream.name, seq, clock(), clock())
            sender.send(stream, attempt, lambda _, outcome, ended=ended: ended.set_result(outcome))
            outcome = await asyncio.wait_for(ended, 30)
            records.append(attempt.end(worker=0, outcome=outcome, ended=clock()).request())
        await sender.close()
        return sender.replaced

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return records, runner.run(send())


def all_sent(attempt: Callable[[], list[Request]]) -> list[Request]:
    """The records of the first attempt in which every request could be sent, or of the fifth.

    An engine says `unsent` where the machine stood still for a second; that is right, and not what is looked at here.
    """
    for _ in range(5):
        records = attempt()
        if all(record.outcome is not Outcome.UNSENT for record in records):
            break
    return records


def few(url: str, engine: EngineName, *, requests: int = 1, connections: int = 0, **plan: Any) -> Plan:
    """A plan of a few requests, 100 a second, with time-outs that a busy machine keeps."""
    stream = Stream(name="kept" if connections else "new", rate_per_s=100, connections=connections)
    settings = {"connect_timeout_s": 10.0, "read_timeout_s": 10.0} | plan
    return Plan(url=url, engine=engine, streams=(stream,), duration_s=requests / 100 - 0.001, **settings)
