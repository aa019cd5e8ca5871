"""A plan into lines of requests.csv and per-second statistics on a descriptor, until it or its harness ends."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from harness.load.capacity import sender_type
from harness.load.engine import Engine as OpenLoop
from harness.load.plan import GREETING_S, Plan
from harness.load.punctual import GREEDY, collect_young, give_way, quiet_collector
from harness.load.records import Statistics, end_line, line, statistics_line
from harness.load.signs import SignsOfLife, end_without_signs

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.load.attempt import Attempt

FLUSH_S = 0.1
SECOND_S = 1.0
KEPT_LINES = 100_000
"""Some 10 MB of what was printed last."""

_LINGER_S = 10.0
"""For so long after its last line a worker in a Pod may be asked for lines once more, unless all were received."""


class Output:
    """Lines to stdout, written by a thread of its own so that a slow reader cannot delay a request."""

    def __init__(self, descriptor: int, *, broken: Callable[[], None]) -> None:
        self._descriptor, self._broken = descriptor, broken
        self._lines: list[str] = []
        self._kept: deque[str] = deque(maxlen=KEPT_LINES)
        self.added = 0
        self._chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def add(self, text: str) -> None:
        """One line, kept until the next flush."""
        self._lines.append(text)
        self._kept.append(text)
        self.added += 1

    def again(self, start: int, end: int) -> list[str]:
        """The lines of these numbers, counted from 0, as far as they are kept: the log may have lost them."""
        first = self.added - len(self._kept)
        return [] if start < first else list(islice(self._kept, start - first, max(start, end) - first))

    def flush(self) -> None:
        """Hand all lines to the writer."""
        if self._lines:
            self._chunks.put(("\n".join(self._lines) + "\n").encode())
            self._lines.clear()

    def close(self) -> None:
        """Write what is left and wait for it."""
        self.flush()
        self._chunks.put(b"")
        self._writer.join()

    def _write(self) -> None:
        while chunk := self._chunks.get():
            try:
                while chunk:
                    chunk = chunk[os.write(self._descriptor, chunk) :]
            except OSError:  # nobody reads any more
                self._broken()
                return


def run_clock(plan: Plan) -> Callable[[], float]:
    """Seconds since the plan's zero; since now where it names none."""
    now_ns = time.monotonic_ns()
    if plan.t0_monotonic_ns is not None:
        zero_ns = plan.t0_monotonic_ns
    elif plan.own_clock:
        zero_ns = now_ns - round((plan.start_s - GREETING_S) * 1e9)
    else:
        zero_ns = now_ns
    zero_s, monotonic = zero_ns / 1e9, time.monotonic
    return lambda: monotonic() - zero_s


class Seconds:
    """The engine's counters into one line of statistics per second."""

    def __init__(self, engine: OpenLoop, plan: Plan, clock: Callable[[], float], output: Output) -> None:
        self._engine, self._worker, self._clock, self._output = engine, plan.worker, clock, output
        self._replaced, self._cpu_s, self._at = 0, time.process_time(), clock()

    def take(self) -> Statistics:
        """What happened since it was last taken."""
        engine, now, cpu_s = self._engine, self._clock(), time.process_time()
        lags_ms = [lag * 1000 for lag in sorted(engine.lags_s)] or [0.0]
        taken = Statistics(
            t=round(now, 6),
            worker=self._worker,
            sent=engine.sent,
            in_flight=engine.in_flight,
            unsent=engine.unsent,
            lag_p50_ms=round(lags_ms[len(lags_ms) // 2], 3),
            lag_p99_ms=round(lags_ms[min(len(lags_ms) - 1, len(lags_ms) * 99 // 100)], 3),
            lag_max_ms=round(lags_ms[-1], 3),
            cpu=round((cpu_s - self._cpu_s) / max(now - self._at, 1e-9), 4),
            replaced=engine.replaced - self._replaced,
            lines=self._output.added,
            addresses=engine.named,
        )
        self._replaced, self._cpu_s, self._at = engine.replaced, cpu_s, now
        engine.sent = engine.unsent = 0
        engine.lags_s.clear()
        return taken


async def follow(plan: Plan, *, stdout: int, stdin: int | None) -> None:
    """Run a plan to its end; signals, the end of `stdin`, a reader or a harness that is gone stop it earlier."""
    loop = asyncio.get_running_loop()
    # What is imported here takes no time of a plan that begins now.
    sender = sender_type(plan.engine)
    clock = run_clock(plan)

    def record(attempt: Attempt) -> None:
        output.add(line(attempt))

    engine = OpenLoop(plan, sender(plan, clock=clock), clock=clock, record=record)
    output = Output(stdout, broken=lambda: _from_thread(loop, engine.stop))
    loop.set_exception_handler(_give_up)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves it
            loop.add_signal_handler(number, engine.stop)
    if stdin is not None:
        threading.Thread(target=_await_eof, args=(stdin, lambda: _from_thread(loop, engine.stop)), daemon=True).start()
    seconds = Seconds(engine, plan, clock, output)
    beat = loop.create_task(_beat(engine, output, seconds))
    greets = plan.own_clock and not plan.hold_s
    greeting = loop.create_task(_greet(plan, clock, output, seconds)) if greets else None
    listening, signs = None, SignsOfLife(clock=clock, lines=output.again)
    if plan.sign_port is not None:
        listening = loop.create_task(end_without_signs(signs, plan.sign_port, engine.stop, _complain))
    if plan.hold_s:
        await _held(plan.hold_s, signs, engine)
    quiet_collector()
    await engine.run()
    for task in filter(None, (beat, greeting)):
        task.cancel()
    output.add(statistics_line(seconds.take()))
    output.add(end_line(engine.counts))
    output.close()
    if listening is not None:
        await signs.until_received(_LINGER_S)
        listening.cancel()


async def _greet(plan: Plan, clock: Callable[[], float], output: Output, seconds: Seconds) -> None:
    """Say the time again and again until the first request is due: the line that arrives soonest tells it best."""
    while clock() < plan.start_s:
        output.add(statistics_line(seconds.take()))
        output.flush()
        await asyncio.sleep(FLUSH_S / 2)


async def _held(hold_s: float, signs: SignsOfLife, engine: OpenLoop) -> None:
    """Wait until the harness says when to begin; one that never does gets no load."""
    end = time.monotonic() + hold_s
    while signs.begins is None and not engine.stopping:
        if time.monotonic() > end:
            _complain(f"nobody said within {hold_s:g} s when to begin")
            engine.stop()
        await asyncio.sleep(FLUSH_S / 2)
    if signs.begins is not None:
        engine.begin_at(signs.begins)


async def _beat(engine: OpenLoop, output: Output, seconds: Seconds) -> None:
    """Flush every 100 ms, take statistics every second, and stop when the parent is another one."""
    parent, start, beats = os.getppid(), time.monotonic(), 0
    while True:
        beats += 1
        await asyncio.sleep(max(0.0, start + beats * FLUSH_S - time.monotonic()))
        if beats % round(SECOND_S / FLUSH_S) == 0:
            second = seconds.take()
            if second.cpu > GREEDY:
                give_way()
            output.add(statistics_line(second))
            collect_young()
            # Not PR_SET_PDEATHSIG: that fires when the parent's *thread* ends, and pools end threads that idle.
            if os.getppid() != parent:
                engine.stop()
        output.flush()


def _give_up(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An error of our own: end at once and loudly, rather than lose requests without a word."""
    loop.default_exception_handler(context)
    sys.stderr.flush()
    os._exit(1)


def _complain(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _from_thread(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:  # the loop is closed: stopped already
        return


def _await_eof(descriptor: int, then: Callable[[], None]) -> None:
    try:
        while os.read(descriptor, 4096):
            pass
    except OSError:
        pass
    then()
