"""The work queue of a controller, on both event loops."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import uvloop

from harness.sandbox.apiclient import ApiError
from harness.sandbox.controllers.workqueue import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Loop = Callable[[], asyncio.AbstractEventLoop]

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


def run(loop: Loop, test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(60):
            await test()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(limited())


async def worked(queue: WorkQueue[str], until: asyncio.Event) -> None:
    task = asyncio.ensure_future(queue.run())
    await until.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_key_added_while_it_is_worked_on_is_done_once_more(loop: Loop) -> None:
    seen: list[str] = []

    async def test() -> None:
        done = asyncio.Event()

        async def sync(key: str) -> None:
            seen.append(key)
            if len(seen) == 1:
                for _ in range(3):
                    queue.add(key)
                await asyncio.sleep(0)
            else:
                done.set()

        queue = WorkQueue("test", sync)
        for _ in range(3):
            queue.add("a")
        await worked(queue, done)

    run(loop, test)
    assert seen == ["a", "a"]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_refused_key_comes_again_also_where_a_later_visit_is_due(loop: Loop) -> None:
    seen: list[str] = []

    async def test() -> None:
        done = asyncio.Event()

        async def sync(key: str) -> None:
            seen.append(key)
            queue.add_after(key, 600.0)
            queue.add_after(key, 0.0)
            if len(seen) < 3:
                raise ApiError(409, "Conflict", "the cache was stale")
            done.set()

        queue = WorkQueue("test", sync)
        queue.add("a")
        await worked(queue, done)

    run(loop, test)
    assert len(seen) >= 3


@pytest.mark.parametrize("loop", LOOPS)
def test_one_key_is_never_worked_on_twice_at_the_same_time(loop: Loop) -> None:
    async def test() -> None:
        done, working, most, count = asyncio.Event(), 0, 0, 0

        async def sync(key: str) -> None:
            nonlocal working, most, count
            working, count = working + 1, count + 1
            most = max(most, working)
            queue.add(key)
            await asyncio.sleep(0)
            working -= 1
            if count == 20:
                done.set()

        queue = WorkQueue("test", sync, workers=5)
        queue.add("a")
        await worked(queue, done)
        assert most == 1

    run(loop, test)
