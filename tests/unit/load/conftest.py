"""Servers that end with their test, and both engines, one of them also on what a stock Python has."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvloop

from harness.load import h11_parser, transport
from harness.load.plan import Engine

from .ending import STOCK_VARIABLE
from .servers import Server

STOCK = "asyncio on a stock Python"
"""Our own engine without uvloop and httptools, as in a load worker's archive."""


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    """Start a server; all of them are closed at the end."""
    started: list[Server] = []

    def start(*arguments: Any, **settings: Any) -> Server:
        started.append(Server(*arguments, **settings))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture(params=[*Engine, STOCK])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """What sends in this process."""
    if request.param != STOCK:
        return Engine(request.param)
    monkeypatch.setattr(transport, "HttpResponseParser", h11_parser.HttpResponseParser)
    monkeypatch.setattr(transport, "UNREADABLE", h11_parser.HttpParserError)
    monkeypatch.setattr(uvloop, "new_event_loop", asyncio.new_event_loop)
    monkeypatch.setenv(STOCK_VARIABLE, "1")
    return Engine.ASYNCIO
