"""Bytes of a SPDY/3.1 connection -> frames, and frames -> bytes: what `kubectl port-forward` speaks inside a WebSocket.

Only what Kubernetes' clients use: streams with headers, data, their ends, pings. Flow control is left out on purpose:
github.com/moby/spdystream, the other end of every such connection, never sends WINDOW_UPDATE, so whoever kept to the
windows would stop for ever after 64 KiB. Source: SPDY Protocol, Draft 3.1, sections 2.2 to 2.6.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class _Kind(IntEnum):
    """Control frames, by number."""

    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    PING = 6
    GOAWAY = 7
    HEADERS = 8


_VERSION = 0x8003
_FIN = 0x01
CANCEL, PROTOCOL_ERROR = 5, 1
_LARGEST_FRAME_BYTES = 1 << 20
_LARGEST_HEADERS_BYTES = 1 << 16

# Section 2.6.10.1: both ends prime their compressors with it.
_WORDS = """
options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow
authorization cache-control connection content-base content-encoding content-language content-length content-location
content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match
if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range
referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get
status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin
""".split()  # noqa: SIM905  (a list would take seventy lines)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


def _sized(text: str) -> bytes:
    return len(text.encode()).to_bytes(4) + text.encode()


DICTIONARY = b"".join(_sized(word.replace("_", " ")) for word in _WORDS) + _TAIL.encode()


class SpdyError(Exception):
    """What came is no SPDY/3.1, or more than is taken at once; the text says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SynStream:
    """The other end opens a stream; names of headers are in lower case."""

    stream: int
    headers: Mapping[str, str]
    fin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SynReply:
    """The other end takes a stream of ours."""

    stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """A piece of a stream; `fin`: the last from that side."""

    stream: int
    payload: bytes
    fin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """A stream ends at once, both ways."""

    stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Wants the same back, if its number is not one of ours."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GoAway:
    """The other end takes no new streams."""


Frame = SynStream | SynReply | Data | Reset | Ping | GoAway


class Framer:
    """One end of a connection. Headers of each direction are one compressed stream, so frames keep their order."""

    def __init__(self) -> None:
        self._pending = b""
        self._inflater = zlib.decompressobj(zdict=DICTIONARY)
        self._deflater = zlib.compressobj(level=zlib.Z_BEST_COMPRESSION, zdict=DICTIONARY)

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """The frames that `chunk` completes; those of kinds that do not matter here are passed over.

        Raises:
            SpdyError: it is no SPDY.
        """
        self._pending += chunk
        at = 0
        while len(self._pending) - at >= 8:
            length = int.from_bytes(self._pending[at + 5 : at + 8])
            if length > _LARGEST_FRAME_BYTES:
                raise SpdyError(f"a frame of {length} bytes; the most is {_LARGEST_FRAME_BYTES}")
            end = at + 8 + length
            if len(self._pending) < end:
                break
            head, body = self._pending[at : at + 8], self._pending[at + 8 : end]
            at = end
            if (frame := self._frame(head, body)) is not None:
                yield frame
        self._pending = self._pending[at:]

    def syn_stream(self, stream: int, headers: Mapping[str, str], *, fin: bool = False) -> bytes:
        """Opens a stream."""
        body = stream.to_bytes(4) + bytes(6) + self._deflated(headers)
        return _control(_Kind.SYN_STREAM, body, _FIN if fin else 0)

    def syn_reply(self, stream: int) -> bytes:
        """Takes a stream that the other end opened."""
        return _control(_Kind.SYN_REPLY, stream.to_bytes(4) + self._deflated({}))

    def _frame(self, head: bytes, body: bytes) -> Frame | None:
        fin = bool(head[4] & _FIN)
        first = int.from_bytes(head[:4])
        if not first & 0x80000000:
            return Data(stream=first, payload=body, fin=fin)
        if first >> 16 != _VERSION:
            raise SpdyError(f"version {first >> 16 & 0x7FFF} of SPDY; 3 is expected")
        number = int.from_bytes(body[:4]) & 0x7FFFFFFF
        match first & 0xFFFF:
            case _Kind.SYN_STREAM:
                return SynStream(stream=number, headers=self._inflated(body[10:]), fin=fin)
            case _Kind.SYN_REPLY:
                self._inflated(body[4:])
                return SynReply(stream=number)
            case _Kind.RST_STREAM:
                return Reset(stream=number)
            case _Kind.PING:
                return Ping(number=int.from_bytes(body[:4]))
            case _Kind.GOAWAY:
                return GoAway()
            case _Kind.HEADERS:
                self._inflated(body[4:])  # headers that come later say nothing here, but the next ones build on them
        return None

    def _inflated(self, block: bytes) -> dict[str, str]:
        try:
            plain = self._inflater.decompress(block, _LARGEST_HEADERS_BYTES)
        except zlib.error as error:
            raise SpdyError(f"headers that cannot be inflated: {error}") from None
        if self._inflater.unconsumed_tail:
            raise SpdyError(f"headers of more than {_LARGEST_HEADERS_BYTES} bytes")
        texts, at = [], 4
        for _ in range(2 * int.from_bytes(plain[:4])):
            size = int.from_bytes(plain[at : at + 4])
            if at + 4 + size > len(plain):
                raise SpdyError("headers that end too early")
            texts.append(plain[at + 4 : at + 4 + size].decode("latin-1"))
            at += 4 + size
        return dict(zip(texts[::2], texts[1::2], strict=True))

    def _deflated(self, headers: Mapping[str, str]) -> bytes:
        pairs = b"".join(_sized(name.lower()) + _sized(value) for name, value in headers.items())
        return self._deflater.compress(len(headers).to_bytes(4) + pairs) + self._deflater.flush(zlib.Z_SYNC_FLUSH)


def data(stream: int, payload: bytes, *, fin: bool = False) -> bytes:
    """A piece of a stream; an empty one with `fin` says that no more comes from here."""
    return stream.to_bytes(4) + bytes([_FIN if fin else 0]) + len(payload).to_bytes(3) + payload


def reset(stream: int, status: int) -> bytes:
    """Ends a stream at once."""
    return _control(_Kind.RST_STREAM, stream.to_bytes(4) + status.to_bytes(4))


def ping(number: int) -> bytes:
    """A ping, or the answer to one."""
    return _control(_Kind.PING, number.to_bytes(4))


def go_away(last: int) -> bytes:
    """Takes no stream after `last`."""
    return _control(_Kind.GOAWAY, last.to_bytes(4) + bytes(4))


def _control(kind: int, body: bytes, flags: int = 0) -> bytes:
    return _VERSION.to_bytes(2) + kind.to_bytes(2) + bytes([flags]) + len(body).to_bytes(3) + body
