"""The other end's leaving is noticed also where nothing is read from it."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import anyio
import pytest

from harness.sandbox.hangup import cut, hung_up, knocked

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _full(here: socket.socket, there: socket.socket) -> asyncio.Transport:
    """A transport that reads nothing of `here`, into which `there` has written all it could."""
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=here)
    transport.pause_reading()
    there.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            there.send(b"x" * 65536)
    return transport


async def test_an_end_behind_data_that_nobody_reads_is_noticed() -> None:
    here, there = socket.socketpair()
    transport = await _full(here, there)
    with anyio.move_on_after(0.6) as early:
        await hung_up(transport)
    assert early.cancelled_caught
    there.close()
    with anyio.fail_after(60):
        await hung_up(transport)
    transport.close()


async def test_a_connection_that_is_cut_is_over_for_both() -> None:
    here, there = socket.socketpair()
    transport = await _full(here, there)
    cut(transport.get_extra_info("socket"))
    with anyio.fail_after(60):
        await hung_up(transport)
    with pytest.raises(BrokenPipeError):
        there.send(b"x")
    there.close()
    transport.close()
    cut(None)


async def test_it_knocks_until_that_fails() -> None:
    knocks = 0

    async def knock() -> None:
        nonlocal knocks
        knocks += 1
        raise ConnectionResetError

    with anyio.fail_after(60):
        await knocked(knock)
    assert knocks == 1
