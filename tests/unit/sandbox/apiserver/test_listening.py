"""Connections that say too little are ended; those that are waited for are not."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING

import pytest
import trustme
from aiohttp import web

from harness.sandbox.apiserver.listening import Listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio
IDLE_S, SLOW_S = 0.3, 1.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def slow(request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.sleep(SLOW_S)
    return web.Response(text=request.path)


@pytest.fixture
async def listening(tmp_path: Path) -> AsyncIterator[Listening]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    opened = await Listening.open(slow, context, slow, tmp_path / "socket", idle_timeout_s=IDLE_S)
    yield opened
    await opened.close()


def unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def said_after(reader: asyncio.StreamReader) -> tuple[bytes, float]:
    """What comes until the connection ends, and how long that takes."""
    began = time.monotonic()
    async with asyncio.timeout(60):
        return await reader.read(), time.monotonic() - began


@pytest.mark.parametrize("sent", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "])
@pytest.mark.parametrize("way", ["tls", "socket"])
async def test_headers_that_do_not_come_are_not_waited_for_for_ever(
    listening: Listening, tmp_path: Path, way: str, sent: bytes
) -> None:
    if way == "tls":
        reader, writer = await asyncio.open_connection("127.0.0.1", listening.port, ssl=unchecked())
    else:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "socket")
    writer.write(sent)
    said, after_s = await said_after(reader)
    writer.close()
    assert (said, after_s < SLOW_S) == (b"", True)


async def test_an_answer_that_takes_longer_is_given(listening: Listening, tmp_path: Path) -> None:
    assert listening.port
    reader, writer = await asyncio.open_unix_connection(tmp_path / "socket")
    writer.write(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
    said, after_s = await said_after(reader)
    writer.close()
    assert said.startswith(b"HTTP/1.1 200")
    assert said.endswith(b"/late")
    assert after_s >= SLOW_S


@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Header: \x00\r\n\r\n",
        b"GET /" + b"x" * 1_100_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_answered_in_two_words(
    listening: Listening, tmp_path: Path, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert listening.port
    reader, writer = await asyncio.open_unix_connection(tmp_path / "socket")
    writer.write(sent)
    said, _ = await said_after(reader)
    writer.close()
    assert said.partition(b"\r\n\r\n")[2] == b"400 Bad Request: malformed HTTP request"
    assert caplog.records == []


async def test_a_path_may_be_long(listening: Listening, tmp_path: Path) -> None:
    assert listening.port
    reader, writer = await asyncio.open_unix_connection(tmp_path / "socket")
    writer.write(b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    said, _ = await said_after(reader)
    writer.close()
    assert said.startswith(b"HTTP/1.1 200")
