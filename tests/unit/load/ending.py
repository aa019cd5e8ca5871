"""A server that ends a connection in one way, and the engine's request that meets it, into how that was recorded.

Also a program, for another network namespace: CASE kept|new ENGINE prints the row of requests.csv.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import uvloop

from harness.load import h11_parser, transport
from harness.load.attempt import Attempt
from harness.load.capacity import sender_type
from harness.load.engine import Engine, Sender
from harness.load.plan import Engine as EngineName
from harness.load.plan import Plan, Stream
from harness.load.records import line
from harness.load.worker import run_clock
from harness.model.request import Outcome, Request

SERVER = Path(__file__).with_name("ending_server.py")
BLOCKED_S = 0.05


class EndingServer:
    """The process. `said` blocks: our loop sees nothing while it does, as the cases need."""

    def __init__(self, way: str, *, answered: int, pause_s: float, address: str, prefix: tuple[str, ...]) -> None:
        command = [*prefix, sys.executable, "-S", str(SERVER), address, way, str(answered), str(pause_s)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.said())

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=200)


@contextlib.contextmanager
def ending_server(
    way: str, *, answered: int, pause_s: float = 0.0, address: str = "127.0.0.1", prefix: tuple[str, ...] = ()
) -> Iterator[EndingServer]:
    server = EndingServer(way, answered=answered, pause_s=pause_s, address=address, prefix=prefix)
    try:
        yield server
    finally:
        server.end()


Hook = Callable[[EndingServer], None]


def nothing(server: EndingServer) -> None:
    """Let it happen."""


def end_now(server: EndingServer) -> None:
    """The server closes now, and has."""
    server.go()
    assert server.said() == "closed"


def kill(server: EndingServer) -> None:
    """SIGKILL once the request is there."""
    assert server.said() == "taken"
    server.process.kill()


def end_while_blocked(server: EndingServer) -> None:
    """The process ends while our loop stands still, and goes on standing still for `BLOCKED_S`."""
    assert server.said() == "taken"
    server.go()
    server.process.wait(60)
    time.sleep(BLOCKED_S)


@dataclass(frozen=True)
class Way:
    """A way to end: what the server does, and what happens `before` the request is sent and once the server has it."""

    server: str
    pause_s: float = 0.0
    before: Hook = nothing
    after: Hook = nothing
    blocked: bool = False  # our loop stands still for `BLOCKED_S` once it has sent


WAYS = {
    "idle close": Way("close", before=end_now),
    "half-close": Way("half_close", before=end_now),
    "idle close, late reader": Way("close", before=end_now, blocked=True),
    "read, exit": Way("read_and_exit"),
    "read, exit after 60 ms": Way("read_and_exit", pause_s=0.06),
    "read, SIGKILL": Way("read_and_await_word", after=kill),
    "read, exit, late reader": Way("read_and_await_word", after=end_while_blocked),
    "unread for 1 ms, exit": Way("exit_unread", pause_s=0.001),
    "unread for 20 ms, exit": Way("exit_unread", pause_s=0.02),
    "unread for 60 ms, exit": Way("exit_unread", pause_s=0.06),
    "unread for 200 ms, exit": Way("exit_unread", pause_s=0.2),
    "unread, SIGKILL": Way("await_word_unread", after=kill),
    "unread, exit, late reader": Way("await_word_unread", after=end_while_blocked),
    "cut midway": Way("exit_midway"),
    "cut midway, unread": Way("exit_midway_unread"),
}


class _Meddler:
    """The engine's sender, with something done around the request that is to meet the end."""

    def __init__(self, sender: Sender, way: Way, kept: bool, server: EndingServer, clock: Callable[[], float]) -> None:
        self._sender, self._way, self._server, self._clock = sender, way, server, clock
        self._to_come = int(kept)
        self.met = -1

    @property
    def replaced(self) -> int:
        return self._sender.replaced

    @property
    def named(self) -> tuple[str, ...]:
        return self._sender.named

    def send(self, stream: Stream, attempt: Attempt, done: Callable[[Attempt, Outcome], None]) -> None:
        if self._to_come:
            self._to_come -= 1
            self._sender.send(stream, attempt, done)
            return
        self.met = attempt.seq
        self._way.before(self._server)
        attempt.started = self._clock()
        self._sender.send(stream, attempt, done)
        if self._way.blocked:
            time.sleep(BLOCKED_S)
        if self._way.after is not nothing:
            loop, word = asyncio.get_running_loop(), self._server.process.stdout
            assert word is not None

            def taken() -> None:
                loop.remove_reader(word)
                self._way.after(self._server)

            loop.add_reader(word, taken)

    async def close(self) -> None:
        await self._sender.close()


def meet(
    way: Way, *, kept: bool, engine: EngineName, address: str = "127.0.0.1", prefix: tuple[str, ...] = ()
) -> Request:
    """Send a request on a kept or a new connection, and let it meet its end.

    One slot: whatever else is due meanwhile is `unsent`. The client's look at an idle connection finds nothing: the
    end always comes just after it.
    """
    with (
        ending_server(way.server, answered=int(kept), pause_s=way.pause_s, address=address, prefix=prefix) as server,
        mock.patch("harness.load.transport.spoken_to", return_value=False),
        mock.patch("harness.load.httpx_sockets.spoken_to", return_value=False),
    ):
        stream = Stream(name="met", rate_per_s=50, connections=int(kept), slots=1)
        plan = Plan(
            url=f"http://{address}:{server.port}/",
            streams=(stream,),
            engine=engine,
            duration_s=30,
            connect_timeout_s=10,
            read_timeout_s=10,
        )
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_meet(plan, way, kept, server))


async def _meet(plan: Plan, way: Way, kept: bool, server: EndingServer) -> Request:
    clock = run_clock(plan)
    meddler = _Meddler(sender_type(plan.engine)(plan, clock=clock), way, kept, server, clock)
    found: list[Request] = []

    def record(attempt: Attempt) -> None:
        request = attempt.request()
        if request.seq == meddler.met:
            found.append(request)
            engine.stop()
        else:
            assert request.outcome in (Outcome.OK, Outcome.UNSENT), request

    engine = Engine(plan, meddler, clock=clock, record=record)
    await asyncio.wait_for(engine.run(), 60)
    (request,) = found
    assert request.reused == kept
    return request


STOCK_VARIABLE = "ON_A_STOCK_PYTHON"
"""Set where the sender of another process is to do without httptools and uvloop."""


def main() -> None:
    if os.environ.get(STOCK_VARIABLE):
        transport.HttpResponseParser = h11_parser.HttpResponseParser  # type: ignore[attr-defined]
        transport.UNREADABLE = (h11_parser.HttpParserError,)  # type: ignore[attr-defined]
        uvloop.new_event_loop = asyncio.new_event_loop  # type: ignore[assignment]
    case, connection, engine = sys.argv[1:]
    address, prefix = os.environ.get("PEER_ADDRESS", "127.0.0.1"), tuple(os.environ.get("PEER_PREFIX", "").split())
    record = meet(WAYS[case], kept=connection == "kept", engine=EngineName(engine), address=address, prefix=prefix)
    print(line(record))


if __name__ == "__main__":
    main()
