"""A connection -> what grpc.health.v1.Health/Check answers on it.

Source: grpc/grpc, doc/health-checking.md and doc/PROTOCOL-HTTP2.md; pkg/probe/grpc.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.exceptions import ProtocolError

if TYPE_CHECKING:
    import asyncio

SERVING = "SERVING"
_STATUS = {0: "UNKNOWN", 1: SERVING, 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_CHUNK_BYTES = 65536


async def health(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authority: str, service: str) -> str:
    """The status of `service` ("": of the whole server), as the protocol names it: SERVING, NOT_SERVING ...

    Raises:
        OSError: the connection ended before the answer.
        ValueError: what answers does not speak gRPC, or refuses the call.
    """
    connection = H2Connection(H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    stream = connection.get_next_available_stream_id()
    connection.send_headers(
        stream,
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/grpc.health.v1.Health/Check"),
            (":authority", authority),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("user-agent", "kube-probe/1.36"),
        ],
    )
    connection.send_data(stream, _message(service), end_stream=True)
    writer.write(connection.data_to_send())
    answer = _Answer()
    while not answer.ended:
        chunk = await reader.read(_CHUNK_BYTES)
        if not chunk:
            raise OSError("EOF before the answer")
        try:
            for event in connection.receive_data(chunk):
                answer.take(event)
        except ProtocolError as error:
            raise ValueError(f"it does not speak HTTP/2 ({error})") from None
        writer.write(connection.data_to_send())
    return answer.status()


class _Answer:
    """What has come of the answer."""

    def __init__(self) -> None:
        self.ended = False
        self._body = b""
        self._fields: dict[str, str] = {}

    def take(self, event: object) -> None:
        if isinstance(event, ResponseReceived | TrailersReceived):
            self._fields |= {str(name): str(value) for name, value in event.headers or ()}
        elif isinstance(event, DataReceived):
            self._body += event.data or b""
        elif isinstance(event, StreamEnded):
            self.ended = True
        elif isinstance(event, StreamReset | ConnectionTerminated):
            raise OSError(f"it was broken off: {_error_name(event.error_code)}")

    def status(self) -> str:
        code = self._fields.get("grpc-status", "0")
        if self._fields.get(":status") != "200" or code != "0":
            raise ValueError(f"HTTP {self._fields.get(':status')}, grpc-status {code}")
        message = self._body[5 : 5 + int.from_bytes(self._body[1:5], "big")]
        if len(message) not in (0, 2) or message[:1] not in (b"", b"\x08"):
            raise ValueError(f"no health check answers so: {message!r}")
        return _STATUS.get(message[1] if message else 0, "UNKNOWN")


def _message(service: str) -> bytes:
    """HealthCheckRequest{service} with the five bytes before each message of gRPC."""
    name = service.encode()
    message = b"" if not name else bytes((0x0A, len(name))) + name
    return b"\x00" + len(message).to_bytes(4, "big") + message


def _error_name(code: int | None) -> str:
    return "no reason" if code is None else ErrorCodes(code).name if code in list(ErrorCodes) else str(code)
