"""A plan into requests that start on schedule, whatever became of the earlier ones, and one record of each."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from harness.load.attempt import Attempt
from harness.load.lateness import LOOK_S, TICK_S, Lateness
from harness.load.pacer import Patience, Schedule
from harness.model.request import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.load.plan import Plan, Stream

BATCH = 64
"""Requests started before the loop gets its turn to read answers."""


_ENDS = frozenset(
    (
        Outcome.RESET_BEFORE_RESPONSE,
        Outcome.EOF_BEFORE_RESPONSE,
        Outcome.RESET_MID_RESPONSE,
        Outcome.EOF_MID_RESPONSE,
    )
)
"""Outcomes that the peer brought about at a moment of its own, which matters: see TcpFacts."""


class Sender(Protocol):
    """Makes one attempt; the open loop does not care how."""

    replaced: int
    """Kept connections found closed before anything was sent on them, so far."""

    @property
    def named(self) -> tuple[str, ...]:
        """The addresses that a name leads to, as last looked up; empty where it connects to none."""

    def send(self, stream: Stream, attempt: Attempt, done: Callable[[Attempt, Outcome], None]) -> None:
        """Start an attempt and return at once; `done` is called exactly once, when its end is known."""

    async def close(self) -> None:
        """Close what is idle. Nothing is in flight any more."""


class _Course:
    """A stream on its way: the next request's number and how many are in flight.

    Each has a patience of its own: one that is on time is no sign that another, of more requests, can be kept up with.
    """

    __slots__ = ("in_flight", "next", "patience", "schedule", "slots", "stream")

    def __init__(self, plan: Plan, stream: Stream) -> None:
        self.stream = stream
        self.schedule = Schedule(
            start_s=plan.start_s + stream.offset_s,
            rate_per_s=stream.rate_per_s,
            end_s=None if plan.duration_s is None else plan.start_s + plan.duration_s,
        )
        self.slots = plan.slots_of(stream)
        self.patience = Patience()
        self.next = self.in_flight = 0


class Engine:
    """The open loop of one worker.

    `clock` gives seconds on the run's clock; `record` gets each attempt once, when its end is known. What the
    statistics need is counted here: `sent`, `unsent`, `lags_s` since they were last taken.
    """

    def __init__(
        self, plan: Plan, sender: Sender, *, clock: Callable[[], float], record: Callable[[Attempt], None]
    ) -> None:
        self._plan, self._sender, self._clock, self._record = plan, sender, clock, record
        self._courses: dict[str, _Course] = {}
        self.begin_at(plan.start_s)
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._lateness = Lateness()
        self.stopping = False
        self._drained = asyncio.Event()
        self.sent = self.unsent = 0
        self.lags_s: list[float] = []

    @property
    def in_flight(self) -> int:
        """Requests whose end is not known yet."""
        return sum(course.in_flight for course in self._courses.values())

    @property
    def counts(self) -> dict[str, int]:
        """How many requests each stream has had, the unsent included."""
        return {name: course.next for name, course in self._courses.items()}

    @property
    def replaced(self) -> int:
        """Kept connections found closed before anything was sent on them, so far."""
        return self._sender.replaced

    @property
    def named(self) -> tuple[str, ...]:
        """The addresses that a name leads to, as last looked up; empty where it connects to none."""
        return self._sender.named

    def begin_at(self, start_s: float) -> None:
        """Have the first requests due then, before `run`."""
        plan = replace(self._plan, start_s=start_s)
        self._courses = {stream.name: _Course(plan, stream) for stream in plan.streams}

    async def run(self) -> None:
        """Follow the schedule to its end, or until `stop`, and wait for what is in flight; the time-outs bound that."""
        if not self.stopping:
            self._tick()
        await self._drained.wait()
        await self._sender.close()

    def stop(self) -> None:
        """Start nothing more."""
        self.stopping = True
        self._lateness.lost()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._look_if_drained()

    def _tick(self) -> None:
        """Start what is due and sleep until the next is."""
        wait_s, now = math.inf, self._clock()
        for course in self._courses.values():
            due = course.schedule.due(course.next, now)[:BATCH]
            for seq in due:
                course.next = seq + 1
                self._start(course, seq)
            now = self._clock()
            wait_s = min(wait_s, course.schedule.wait_s(course.next, now))
        if wait_s == math.inf:
            self.stop()
            return
        wait_s = wait_s and min(max(TICK_S, wait_s), LOOK_S)
        loop = asyncio.get_running_loop()
        self._lateness.ran(now, next_s=now + wait_s)
        self._timer = loop.call_later(wait_s, self._tick) if wait_s else loop.call_soon(self._tick)

    def _start(self, course: _Course, seq: int) -> None:
        scheduled, now = course.schedule.at(seq), self._clock()
        self.lags_s.append(now - scheduled)
        if not course.patience.bears(now - scheduled, now) or course.in_flight >= course.slots:
            self.unsent += 1
            attempt = Attempt(course.stream.name, seq, scheduled, None)
            self._record(attempt.end(worker=self._plan.worker, outcome=Outcome.UNSENT, ended=now))
            return
        course.in_flight += 1
        self.sent += 1
        self._sender.send(course.stream, Attempt(course.stream.name, seq, scheduled, now), self._done)

    def _done(self, attempt: Attempt, outcome: Outcome) -> None:
        self._courses[attempt.stream].in_flight -= 1
        now = self._clock()
        if outcome is not Outcome.OK and outcome in _ENDS:
            self._learn_lateness(attempt, now)
        self._record(attempt.end(worker=self._plan.worker, outcome=outcome, ended=now))
        if self.stopping:
            self._look_if_drained()

    def _learn_lateness(self, attempt: Attempt, now: float) -> None:
        """The larger of what the kernel showed and what our own timers did."""
        shown = (attempt.tcp.seen_late if attempt.tcp else None, self._lateness.at(now))
        if known := [late for late in shown if late is not None]:
            attempt.learn(seen_late=max(known))

    def _look_if_drained(self) -> None:
        if not self.in_flight:
            self._drained.set()
