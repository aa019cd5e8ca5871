"""An error of the load's own is seen by the loop, whose handler ends the worker: no request is lost without a word."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from harness.load.attempt import Attempt
from harness.load.connections import AsyncioSender
from harness.load.plan import Plan, Stream
from harness.load.transport import Connection

STREAM = Stream(name="new", rate_per_s=1.0)


@pytest.mark.parametrize("host", ["127.0.0.1", "web.test"])
def test_an_error_of_our_own_as_a_request_is_sent_reaches_the_loop(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise ZeroDivisionError

    async def send(port: int) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        seen: asyncio.Future[dict[str, Any]] = loop.create_future()
        loop.set_exception_handler(lambda _, context: seen.set_result(context))
        # A name is looked up in a task; what its task raises must not end there.
        sender = AsyncioSender(Plan(url=f"http://{host}:{port}/", streams=(STREAM,)), clock=loop.time)
        loop.call_soon(sender.send, STREAM, Attempt("new", 0, 0.0, loop.time()), lambda _attempt, _outcome: None)
        try:
            return await asyncio.wait_for(seen, 60)
        finally:
            await sender.close()

    monkeypatch.setattr(Connection, "send", broken)
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = (socket.AF_INET, socket.SOCK_STREAM, 6, "", server.getsockname())
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: [found])
        assert isinstance(asyncio.run(send(server.getsockname()[1]))["exception"], ZeroDivisionError)
