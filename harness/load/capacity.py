"""A plan into the rate that can be held on this machine: tried out on loopback, in a second.

What a request costs depends on the parser and the event loop that this Python has, on the processor, and on how much of
it there is to have. So it is measured: requests of each stream go to a small server beside it, as fast as they can.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import selectors
import signal
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.load import h11_parser
from harness.load.attempt import Attempt
from harness.load.connections import AsyncioSender
from harness.load.parser import HttpResponseParser
from harness.load.plan import Engine
from harness.load.records import Ability, Refusal, line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.load.engine import Sender
    from harness.load.plan import Plan, Stream
    from harness.model.request import Outcome

    Loop = Callable[[], asyncio.AbstractEventLoop]

SHARE = 0.7
"""Of one core: above it requests wait for each other (M/D/1: more than one request's time each, on average)."""

_STREAM_S = 0.2
_UNTIMED = 20
_AT_ONCE = 4
_LOOK_S = 0.05
_SERVER_LIVES_S = 60
_ANSWER = b"HTTP/1.1 200 OK\r\nServer: loopback\r\nX-Pod: loopback\r\nContent-Length: 0\r\n"


def sender_type(engine: Engine) -> Callable[..., Sender]:
    """What an engine sends with. Raises ImportError where this Python lacks what it needs."""
    if engine is Engine.HTTPX:
        from harness.load.httpx_engine import HttpxSender  # half a second of imports that the default does not need

        return HttpxSender
    return AsyncioSender


def able(plan: Plan, *, loop_factory: Loop) -> Ability | Refusal:
    """What this process can do, or why that is not enough for the plan.

    The requests are the plan's own but for where they go: http://, from ports that the kernel chooses, so that none of
    the plan's is used.
    """
    try:
        sender_type(plan.engine)
    except ImportError as error:
        return Refusal(
            refused=f"engine {plan.engine.value} needs packages that this image does not have ({error.name})",
            do="Give --worker-image one that has it (make image), or leave the engine out.",
        )
    per_s = sum(stream.rate_per_s for stream in plan.streams)
    with _server() as port:
        there = replace(plan, url=f"http://127.0.0.1:{port}/", address="", source_addresses=(), ports=())
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            costs_s = {stream.name: runner.run(_cost_s(there, stream)) for stream in plan.streams}
            using = _using(plan.engine, type(runner.get_loop()))
    needed = sum(stream.rate_per_s * costs_s[stream.name] for stream in plan.streams)
    holds_per_s = per_s * SHARE * _processor_to_have() / needed
    python = platform.python_version()
    if per_s > holds_per_s:
        return Refusal(
            refused=f"it can hold {holds_per_s:.0f} requests/s where it runs (Python {python}, {using}), "
            f"and {per_s:g}/s are planned",
            do="Lower the rates, or give --worker-image one with httptools and uvloop (make image).",
        )
    return Ability(holds_per_s=round(holds_per_s, 1), python=python, engine=using)


def _using(engine: Engine, loop: type[asyncio.AbstractEventLoop]) -> str:
    if engine is Engine.HTTPX:
        return "httpx"
    parser = "h11" if HttpResponseParser.__module__ == h11_parser.__name__ else "httptools"
    return f"{loop.__module__.partition('.')[0]} and {parser}"


def _processor_to_have() -> float:
    """The share of one core that this process gets when it wants all of it: quotas and neighbours take from it."""
    begun, begun_cpu = time.monotonic(), time.process_time()
    while time.monotonic() - begun < _LOOK_S:
        pass
    return min(1.0, (time.process_time() - begun_cpu) / (time.monotonic() - begun))


async def _cost_s(plan: Plan, stream: Stream) -> float:
    """Seconds of processor time for one request of the stream, its row in the output included."""
    sender = sender_type(plan.engine)(plan, clock=time.monotonic)
    begun = time.monotonic()
    begun_cpu, sent, measured_from = time.process_time(), 0, 0
    while sent < 2 * _UNTIMED or time.monotonic() - begun < _STREAM_S:
        if sent >= _UNTIMED and not measured_from:
            begun_cpu, measured_from = time.process_time(), sent
        await asyncio.gather(*(_one(sender, stream, sent + n) for n in range(_AT_ONCE)))
        sent += _AT_ONCE
    cost_s = (time.process_time() - begun_cpu) / (sent - measured_from)
    await sender.close()
    return cost_s


async def _one(sender: Sender, stream: Stream, seq: int) -> None:
    ended = asyncio.get_running_loop().create_future()

    def done(attempt: Attempt, outcome: Outcome) -> None:
        line(attempt.end(worker=0, outcome=outcome, ended=time.monotonic()))
        ended.set_result(None)

    now = time.monotonic()
    sender.send(stream, Attempt(stream.name, seq, now, now), done)
    await ended


@contextlib.contextmanager
def _server() -> Iterator[int]:
    """The port of a server on loopback, in a process of its own, so that its time is not ours."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        child = os.fork()
        if not child:
            try:
                signal.alarm(_SERVER_LIVES_S)
                _serve(listener)
            finally:
                os._exit(0)
        try:
            yield listener.getsockname()[1]
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _serve(listener: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if sock is listener:
                    selector.register(listener.accept()[0], selectors.EVENT_READ)
                elif not _answer(sock):
                    selector.unregister(sock)
                    sock.close()


def _answer(sock: socket.socket) -> bool:
    """Answer one request; whether another may follow it."""
    request = b""
    try:
        while not _is_whole(request):
            if not (more := sock.recv(65536)):
                return False
            request += more
        goes_on = b"\r\nconnection: close\r\n" not in request.lower()
        sock.sendall(_ANSWER + (b"\r\n" if goes_on else b"Connection: close\r\n\r\n"))
    except OSError:
        return False
    return goes_on


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    if not end:
        return False
    _, _, length = head.lower().partition(b"\r\ncontent-length:")
    return len(body) >= int(length.split(b"\r\n")[0] or 0)
