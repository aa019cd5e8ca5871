"""A worker hears its harness over HTTP, and notices when it hears it no more; before the first sign it waits."""

from __future__ import annotations

import asyncio
import socket
import time
import urllib.error
import urllib.request

import pytest

from harness.load import END_PATH, SIGN_PATH, SIGN_PORT, signs
from harness.load.ports import PORTS
from harness.load.sign_terms import SILENCE_S
from harness.load.signs import SignsOfLife

SHORT_S, LOOK_S = 0.4, 0.02


def free_port() -> int:
    with socket.create_server(("", 0)) as server:
        return int(server.getsockname()[1])


def ask(port: int, path: str = SIGN_PATH) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=200) as answer:
        return bytes(answer.read())


async def until_it_listens(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            return


def test_the_load_ends_within_30_s_of_the_last_sign_and_its_port_is_no_request_s() -> None:
    assert SILENCE_S + signs._LOOK_S < 30
    assert not any(low <= SIGN_PORT <= high for low, high in PORTS)


def test_who_is_heard_again_and_again_is_there_and_who_falls_silent_is_gone() -> None:
    async def heard() -> float:
        port = free_port()
        lost = asyncio.create_task(SignsOfLife(silence_s=SHORT_S, look_s=LOOK_S).until_lost(port))
        await until_it_listens(port)
        begun = time.monotonic()
        while time.monotonic() < begun + 3 * SHORT_S:
            assert await asyncio.to_thread(ask, port) == b"{}"
            assert not lost.done()
        last = time.monotonic()
        async with asyncio.timeout(60):
            await lost
        return time.monotonic() - last

    assert asyncio.run(heard()) >= SHORT_S * 0.9


def test_a_harness_that_is_done_need_not_fall_silent() -> None:
    async def ends() -> bool:
        port, signs = free_port(), SignsOfLife(silence_s=600, look_s=LOOK_S)
        lost = asyncio.create_task(signs.until_lost(port))
        await until_it_listens(port)
        assert await asyncio.to_thread(ask, port, END_PATH) == b"{}"
        async with asyncio.timeout(60):
            await lost
        return signs.is_done

    assert asyncio.run(ends())


@pytest.mark.parametrize("stranger", ["/", "/metrics"])
def test_without_a_first_sign_it_waits_and_strangers_give_none(stranger: str) -> None:
    async def waits() -> None:
        port = free_port()
        lost = asyncio.create_task(SignsOfLife(silence_s=SHORT_S, look_s=LOOK_S).until_lost(port))
        await until_it_listens(port)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            await asyncio.to_thread(ask, port, stranger)
        done, _ = await asyncio.wait([lost], timeout=2 * SHORT_S)
        assert not done
        lost.cancel()

    asyncio.run(waits())


def test_a_worker_that_stood_still_hears_first_what_waits_to_be_heard() -> None:
    async def stands_still() -> bool:
        port = free_port()
        lost = asyncio.create_task(SignsOfLife(silence_s=SHORT_S, look_s=LOOK_S).until_lost(port))
        await until_it_listens(port)
        await asyncio.to_thread(ask, port)
        until = time.monotonic() + 2 * SHORT_S
        while time.monotonic() < until:  # the whole loop stands, as a paused node does
            pass
        await asyncio.sleep(2 * LOOK_S)
        still_there = not lost.done()
        async with asyncio.timeout(60):
            await lost
        return still_there

    assert asyncio.run(stands_still())


def test_where_the_port_is_taken_it_waits_for_ever() -> None:
    async def waits() -> None:
        with socket.create_server(("", 0)) as taken:
            lost = asyncio.create_task(SignsOfLife(silence_s=SHORT_S, look_s=LOOK_S).until_lost(taken.getsockname()[1]))
            done, _ = await asyncio.wait([lost], timeout=SHORT_S)
            assert not done
            lost.cancel()

    asyncio.run(waits())
