"""What a load worker states at its end is kept, and one that is gone is noticed before the next update."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import anyio
import pytest

from harness.errors import LoadError
from harness.model.round_trip import RoundTrip
from harness.model.run import LoadWorker, WorkerEnd
from harness.runner.load_session import LoadSession
from harness.runner.rollouts import Rollouts

pytestmark = pytest.mark.anyio

END = b'{"end": {"new": 30, "kept": 15}}'


def second(t: float) -> bytes:
    numbers = dict.fromkeys(("sent", "in_flight", "unsent", "lag_p50_ms", "lag_p99_ms", "lag_max_ms", "cpu"), 0)
    return json.dumps({"t": t, "worker": 0, "replaced": 0, **numbers}).encode()


class Paper:
    """A run directory that keeps what run.json is told."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {}

    def update(self, **changes: Any) -> None:
        self.told |= changes

    def worker_second(self, statistics: dict[str, Any]) -> None:
        """Seconds are not kept."""


class Told:
    """A worker that says these lines and ends, or goes on in silence where `asked` is never set."""

    node: str | None = None

    def __init__(self, lines: Sequence[bytes], *, then: Sequence[bytes] = ()) -> None:
        self.asked = anyio.Event()
        self._lines, self._then = lines, then

    async def lines(self) -> AsyncIterator[bytes]:
        for line in self._lines:
            yield line
        if self._then:
            await self.asked.wait()
        for line in self._then:
            yield line

    async def stop(self) -> None:
        self.asked.set()

    async def accompany(self, *_: object) -> None:
        """Nothing."""


class Time:
    """A clock that goes on only while somebody waits; lines of the worker arrive on the way."""

    def __init__(self, worker: Told, monkeypatch: pytest.MonkeyPatch) -> None:
        self.t, self.paper = 0.0, Paper()
        self.due: list[tuple[float, bytes]] = []
        self.session = LoadSession((cast(Any, worker),), cast(Any, self.paper), lambda: self.t)
        monkeypatch.setattr(anyio, "sleep", self.sleep)

    async def sleep(self, delay_s: float) -> None:
        self.t += delay_s
        while self.due and self.due[0][0] <= self.t:
            self.session.statistics(self.session.followed[0], self.due.pop(0)[1])
        await anyio.lowlevel.checkpoint()


async def test_what_a_worker_states_at_its_end_is_in_run_json(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(Told([second(1.0)], then=[END]), monkeypatch)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(time.session.follow)
        await time.session.stop(drain_s=60)
    assert time.paper.told == {"ends": (WorkerEnd(worker=0, requests={"new": 30, "kept": 15}),)}


async def test_a_worker_that_ends_unasked_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(Told([second(1.0), END]), monkeypatch)
    with pytest.raises(LoadError, match=r"ended by itself at 0\.0 s"):
        await time.session.follow()
    assert time.paper.told["ends"], "what it stated is kept all the same"


async def test_whoever_stops_the_run_may_have_stopped_the_worker_first(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(Told([END]), monkeypatch)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(time.session.follow)
        await time.session.ended.wait()
        await time.session.stop(drain_s=60)


async def test_a_worker_that_sends_lets_an_update_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(Told([]), monkeypatch)
    time.session.statistics(time.session.followed[0], second(0.0))
    await time.session.until_sending()
    assert time.t == 0.0


async def test_a_silent_worker_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(Told([]), monkeypatch)
    time.session.statistics(time.session.followed[0], second(0.0))
    time.t, time.due = 100.0, [(120.0, second(119.0))]
    await time.session.until_sending()
    assert time.t == pytest.approx(120.0, abs=0.1)


async def test_a_worker_that_stays_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(Told([]), monkeypatch)
    time.session.statistics(time.session.followed[0], second(0.0))
    time.t = 10.0
    with pytest.raises(LoadError, match=r"nothing has been heard of it since 0\.0 s, for 30 s"):
        await time.session.until_sending(deadline_s=20.0)


async def test_no_update_is_made_once_the_worker_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(Told([]), monkeypatch)
    time.session.ended.set()

    class Scenario:
        rollouts = 3

    nothing: Any = None
    rollouts = Rollouts(
        kube=nothing, workload=nothing, scenario=cast(Any, Scenario()), view=nothing, load=time.session,
        writer=nothing, mark=nothing, phase=nothing, hear=nothing, quiet_s=1.0, original={}, said=nothing,
    )  # fmt: skip
    with pytest.raises(LoadError, match="it has ended by itself"):
        await rollouts.run(nothing)


class Lost(Told):
    """A worker that says these lines and is gone."""

    async def lines(self) -> AsyncIterator[bytes]:
        for line in self._lines:
            yield line
        raise LoadError("following the load worker", "its Pod was deleted")


async def test_one_of_two_that_is_lost_is_written_down_and_the_other_goes_on() -> None:
    told: list[str] = []
    good, lost, paper = Told([second(1.0)], then=[second(9.0), END]), Lost([second(2.5)]), Paper()
    lost.node = "node-b"
    session = LoadSession(cast(Any, (good, lost)), cast(Any, paper), lambda: 3.0, warn=told.append)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(session.follow)
        while not session.followed[1].lost:
            await anyio.lowlevel.checkpoint()
        await session.until_sending()
        await session.stop(drain_s=60)
    assert paper.told["workers"] == (
        LoadWorker(worker=0),
        LoadWorker(worker=1, node="node-b", lost_at=2.5, why="its Pod was deleted"),
    )
    assert paper.told["ends"] == (WorkerEnd(worker=0, requests={"new": 30, "kept": 15}),)
    assert told == ["Load worker 1 on node node-b is lost (its Pod was deleted): 1 load worker of 2 go on."]


async def test_when_the_last_one_is_lost_there_is_no_load() -> None:
    session = LoadSession(cast(Any, (Lost([]), Lost([second(2.5)]))), cast(Any, Paper()), lambda: 3.0)
    with pytest.raises(ExceptionGroup) as raised:
        await session.follow()
    assert raised.group_contains(LoadError, match="its Pod was deleted")


async def test_several_begin_at_the_same_time_each_by_its_own_clock() -> None:
    asked: dict[int, float] = {}

    class Held(Told):
        def __init__(self, number: int, off_s: float) -> None:
            super().__init__([])
            self.number, self.off_s = number, off_s

        async def begin(self, at_s: float) -> None:
            asked[self.number] = at_s - self.off_s

    workers = (Held(0, 5.0), Held(1, -5.0))
    session = LoadSession(cast(Any, workers), cast(Any, Paper()), lambda: 10.0, own_clock=True)
    with pytest.raises(LoadError, match=r"no answer of worker 0, 1 within 0\.01 s"):
        await session.begin(1.0, deadline_s=0.01)
    for one, worker in zip(session.followed, workers, strict=True):
        one.clock.take(RoundTrip(sent=9.0, answered=9.01, said=9.005 + worker.off_s), sending=False)
    await session.begin(1.0, deadline_s=60)
    assert asked == pytest.approx({0: 11.0, 1: 11.0})
