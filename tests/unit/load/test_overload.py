"""A worker that is given more than it can send: what each of its streams makes of that."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Generator

import pytest

from harness.load.attempt import Attempt
from harness.load.engine import Engine
from harness.load.pacer import ON_TIME_S
from harness.load.plan import Plan, Stream
from harness.model.request import Outcome

from .virtual_loop import Loop


class Laborious:
    """Answers at once; each request costs it so many seconds."""

    replaced = 0
    named = ()

    def __init__(self, loop: Loop, cost_s: float) -> None:
        self._loop, self._cost_s = loop, cost_s

    def send(self, _stream: Stream, attempt: Attempt, done: Callable[[Attempt, Outcome], None]) -> None:
        self._loop.now += self._cost_s
        done(attempt, Outcome.OK)

    async def close(self) -> None:
        """There is nothing to close."""


class Never:
    """In an event's place, for the virtual loop waits for none."""

    def set(self) -> None:
        """Nobody waits."""

    @types.coroutine
    def wait(self) -> Generator[None, None, None]:
        yield


def test_a_small_stream_that_is_on_time_does_not_hide_that_a_large_one_cannot_be_kept_up_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, records = Loop(monkeypatch), list[Attempt]()
    monkeypatch.setattr(asyncio, "Event", Never)
    streams = Stream(name="new", rate_per_s=1000.0), Stream(name="kept", rate_per_s=20.0, connections=2)
    plan = Plan(url="http://10.0.0.1/", streams=streams, duration_s=8.0)
    running = Engine(plan, Laborious(loop, 0.002), clock=loop.time, record=records.append).run()
    running.send(None)
    loop.until(8.0)
    running.close()
    late = [attempt for attempt in records if attempt.stream == "new" and attempt.scheduled > 3.0]
    sent = [attempt.started - attempt.scheduled for attempt in late if attempt.started is not None]
    assert max(sent) <= ON_TIME_S
    assert len(sent) > 0.4 * len(late), "it does not give up more than it must"
    assert all(attempt.started is not None for attempt in records if attempt.stream == "kept")
