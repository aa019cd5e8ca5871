"""Chunks arrive whole and in order; a reader that wants no more holds nobody up."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from harness.sandbox.kubelet.pipe import Pipe

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_all_comes_in_order_though_little_waits_at_a_time() -> None:
    pipe, taken = Pipe(2), list[bytes]()

    async def bring() -> None:
        for n in range(20):
            await pipe.put(b"%d" % n)
        pipe.end()

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(bring)
            async for chunk in pipe:
                taken.append(chunk)
    assert taken == [b"%d" % n for n in range(20)]


async def test_more_than_may_wait_is_not_taken() -> None:
    pipe = Pipe(1)
    assert pipe.offer(b"one")
    assert not pipe.offer(b"two")
    with anyio.move_on_after(0.05) as waiting:
        await pipe.put(b"two")
    assert waiting.cancelled_caught
    pipe.end()
    assert [chunk async for chunk in pipe] == [b"one"]


async def test_who_brings_is_let_go_when_no_more_is_wanted() -> None:
    pipe = Pipe(1)
    await pipe.put(b"one")
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(pipe.put, b"two")
            await anyio.lowlevel.checkpoint()
            pipe.drop()
    assert [chunk async for chunk in pipe] == []
