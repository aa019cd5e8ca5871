"""A name is looked up once for all who wait; its addresses are taken in turn, whatever order a server gives them in."""

from __future__ import annotations

import asyncio
import gc
import itertools
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from harness.load.names import Resolver, Turns
from harness.model.request import NAME_USED_S

ADDRESSES = ("10.0.0.1", "10.0.0.2")


def answers(addresses: tuple[str, ...]) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]


def test_a_look_up_that_fails_when_nobody_waits_any_more_is_no_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    answered, errors = threading.Event(), list[dict[str, Any]]()

    def slow(*_args: object, **_more: object) -> list[Any]:
        answered.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "no name server")

    async def ask() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.append(context))
        waiting = asyncio.ensure_future(Resolver("web.test", 80, clock=loop.time).address())
        await asyncio.sleep(0)
        waiting.cancel()
        assert [type(ended) for ended in await asyncio.gather(waiting, return_exceptions=True)] == [
            asyncio.CancelledError
        ]
        answered.set()
        await loop.shutdown_default_executor()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others)
        del waiting, others
        gc.collect()

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    asyncio.run(ask())
    assert errors == []


def test_those_who_waited_for_one_look_up_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask() -> list[tuple[str, int]]:
        resolver = Resolver("web.test", 80, clock=lambda: 0.0)
        return await asyncio.gather(*(resolver.address() for _ in range(4)))

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answers(ADDRESSES))
    assert Counter(asyncio.run(ask())) == {(address, 80): 2 for address in ADDRESSES}


@pytest.mark.parametrize("turned", [False, True])
def test_a_request_a_look_up_still_takes_turns(turned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    now: Iterator[float] = itertools.count(0.0, 2 * NAME_USED_S)
    orders = itertools.cycle([ADDRESSES, ADDRESSES[::-1]] if turned else [ADDRESSES])

    async def ask() -> list[str]:
        resolver = Resolver("web.test", 80, clock=lambda: next(now))
        return [(await resolver.address())[0] for _ in range(6)]

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answers(next(orders)))
    assert asyncio.run(ask()) == list(ADDRESSES) * 3


def test_what_a_name_leads_to_is_known_and_an_address_is_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    now: Iterator[float] = itertools.count(0.0, 2 * NAME_USED_S)
    found = iter([ADDRESSES, ADDRESSES[1:]])

    async def ask() -> list[tuple[str, ...]]:
        turns = Turns([("web.test", 80), ("10.0.0.9", 80)], clock=lambda: next(now))
        known = [turns.named]
        for _ in range(4):  # the name, and the address, in turn
            await turns.address()
            known.append(turns.named)
        return known

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answers(next(found)))
    assert asyncio.run(ask()) == [(), ADDRESSES, ADDRESSES, ADDRESSES[1:], ADDRESSES[1:]]


def test_a_name_that_has_moved_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    now: Iterator[float] = itertools.count(0.0, 2 * NAME_USED_S)
    found = iter([ADDRESSES[:1], ADDRESSES[1:]])

    async def ask() -> list[str]:
        resolver = Resolver("web.test", 80, clock=lambda: next(now))
        return [(await resolver.address())[0] for _ in range(2)]

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answers(next(found)))
    assert asyncio.run(ask()) == list(ADDRESSES)
