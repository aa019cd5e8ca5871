"""Servers that end with their test, and both engines."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.load.plan import Engine

from .servers import Server


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


@pytest.fixture(params=list(Engine))
def engine(request: pytest.FixtureRequest) -> Engine:
    return Engine(request.param)
