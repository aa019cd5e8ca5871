"""Health checks of gRPC against a server of the h2 library, which speaks HTTP/2 without us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

from harness.sandbox.kubelet.grpc_health import SERVING, health

pytestmark = pytest.mark.anyio
Fields = list[tuple[str, str]]
OK: Fields = [(":status", "200"), ("content-type", "application/grpc")]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def server(head: Fields, body: bytes, trailers: Fields) -> AsyncIterator[tuple[int, list[dict[str, str]]]]:
    asked: list[dict[str, str]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        while chunk := await reader.read(65536):
            for event in connection.receive_data(chunk):
                if isinstance(event, RequestReceived):
                    asked.append({str(name): str(value) for name, value in event.headers})
                if isinstance(event, StreamEnded):
                    connection.send_headers(event.stream_id, head, end_stream=not (body or trailers))
                    if body:
                        connection.send_data(event.stream_id, body)
                    if trailers:
                        connection.send_headers(event.stream_id, trailers, end_stream=True)
            writer.write(connection.data_to_send())
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1], asked


async def check(port: int, service: str = "") -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await asyncio.wait_for(health(reader, writer, "shop:1", service), 10)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("message", "says"),
    [(b"\x08\x01", SERVING), (b"\x08\x02", "NOT_SERVING"), (b"\x08\x03", "SERVICE_UNKNOWN"), (b"", "UNKNOWN")],
)
async def test_the_status_of_the_answer_is_given(message: bytes, says: str) -> None:
    body = b"\x00" + len(message).to_bytes(4, "big") + message
    async with server(OK, body, [("grpc-status", "0")]) as (port, asked):
        assert await check(port, "acme.Shop") == says
    assert (asked[0][":path"], asked[0]["te"]) == ("/grpc.health.v1.Health/Check", "trailers")


async def test_a_server_without_health_checks_is_told_by_its_status() -> None:
    async with server([*OK, ("grpc-status", "12")], b"", []) as (port, _):
        with pytest.raises(ValueError, match="grpc-status 12"):
            await check(port)


async def test_what_does_not_speak_http2_is_told() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        with pytest.raises((ValueError, OSError)):
            await check(listening.sockets[0].getsockname()[1])
