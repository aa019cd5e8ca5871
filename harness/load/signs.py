"""Requests of the harness to a port of the worker -> a worker that notices that its harness is gone.

A Pod has no parent and no stdin, and who reads its log is nothing it can see. So the harness asks for `SIGN_PATH` again
and again, through the API server's proxy to Pods.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from harness.load.sign_terms import BEGIN_PATH, END_PATH, LINES_PATH, MOST_LINES, RECEIVED_PATH, SIGN_PATH, SILENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOK_S = 0.5
_REQUEST_TIMEOUT_S = 5.0
_NO_REQUEST = (OSError, IndexError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
_HERE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
_WHAT = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class SignsOfLife:
    """Takes the signs of one harness, and answers with the time of `clock`, where there is one.

    `begins`: when the first request is due, once that was said.

    Silence counts from the first sign on: where none can come (the right to `pods/proxy` is missing), the planned end
    and the Pod's deadline are what ends the load.
    """

    def __init__(
        self,
        *,
        silence_s: float = SILENCE_S,
        look_s: float = _LOOK_S,
        clock: Callable[[], float] | None = None,
        lines: Callable[[int, int], list[str]] = lambda _, __: [],
    ) -> None:
        self._silence_s, self._look_s, self._clock, self._lines = silence_s, look_s, clock, lines
        self._received = asyncio.Event()
        self.begins: float | None = None
        self._silent_s: float | None = None
        self.is_done = self.is_lost = False

    async def until_lost(self, port: int) -> None:
        """Listen, and return when no sign came for too long after an earlier one, or when the harness says it is done.

        Where it cannot listen, it never returns.
        """
        try:
            server = await asyncio.start_server(self._answer, None, port, limit=8192)
        except OSError:
            await asyncio.Event().wait()
            return
        async with server:
            await self._until_silent()
            self.is_lost = not self.is_done

    async def _until_silent(self) -> None:
        looked = time.monotonic()
        while not self.is_done and (self._silent_s is None or self._silent_s < self._silence_s):
            await asyncio.sleep(self._look_s)
            now = time.monotonic()
            if self._silent_s is not None:
                # No more than a look's time and a half: where this process stood still, signs wait to be read.
                self._silent_s += min(now - looked, 1.5 * self._look_s)
            looked = now

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(*_NO_REQUEST):
            try:
                async with asyncio.timeout(_REQUEST_TIMEOUT_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                path, _, query = head.split(b" ", 2)[1].decode(errors="replace").partition("?")
                writer.write(self._taken(path, query))
                await writer.drain()
            finally:
                writer.close()

    def _taken(self, path: str, query: str) -> bytes:
        """The answer."""
        if path not in (SIGN_PATH, END_PATH, BEGIN_PATH, LINES_PATH, RECEIVED_PATH):
            return _WHAT
        self._silent_s = 0.0
        self.is_done = self.is_done or path == END_PATH
        if path == BEGIN_PATH:
            with contextlib.suppress(ValueError):
                self.begins = float(query.removeprefix("at="))
        if path == RECEIVED_PATH:
            self._received.set()
        if path == LINES_PATH:
            return _answer({"lines": self._asked_again(query)})
        return _answer({} if self._clock is None else {"t": round(self._clock(), 6)})

    def _asked_again(self, query: str) -> list[str]:
        asked = parse_qs(query)
        try:
            start, end = int(asked["from"][0]), int(asked["to"][0])
        except (KeyError, ValueError):
            return []
        return self._lines(start, min(end, start + MOST_LINES))

    async def until_received(self, longest_s: float) -> None:
        """Wait until the harness has all lines; not for one that never came, nor for longer than that."""
        if self._silent_s is not None and not self.is_lost and not self.is_done:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(longest_s):
                    await self._received.wait()


def _answer(found: dict[str, Any]) -> bytes:
    body = json.dumps(found).encode()
    return _HERE % len(body) + body


async def end_without_signs(
    signs: SignsOfLife, port: int, stop: Callable[[], None], tell: Callable[[str], None]
) -> None:
    """Call `stop` when the harness is gone, and say why, or when it is done."""
    await signs.until_lost(port)
    if not signs.is_done:
        tell(f"the load ends by itself: no sign of the harness for {SILENCE_S:g} s")
    stop()
