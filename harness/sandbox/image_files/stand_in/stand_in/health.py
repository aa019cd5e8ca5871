"""HTTP/2 as far as a health check of gRPC needs it (RFC 9113; grpc/grpc: doc/health-checking.md): bytes into bytes."""

from __future__ import annotations

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, _PING = 0, 1, 4, 6
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_HEAD = 9


def first_frame() -> bytes:
    """What a server sends first: its settings, of which it has none."""
    return _frame(_SETTINGS, 0, 0)


def answers(received: bytes, *, serving: bool) -> tuple[bytes, bytes]:
    """What to send in answer to the whole frames in `received`, and what is left of it."""
    sent = b""
    while len(received) >= _HEAD:
        length = int.from_bytes(received[:3], "big")
        if len(received) < _HEAD + length:
            break
        kind, flags = received[3], received[4]
        stream = int.from_bytes(received[5:_HEAD], "big") & 0x7FFFFFFF
        payload, received = received[_HEAD : _HEAD + length], received[_HEAD + length :]
        if kind == _SETTINGS and not flags & _ACK:
            sent += _frame(_SETTINGS, _ACK, 0)
        elif kind == _PING and not flags & _ACK:
            sent += _frame(_PING, _ACK, 0, payload)
        elif kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            sent += _health(stream, serving=serving)
    return sent, received


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _literal(name: bytes, value: bytes) -> bytes:
    """A header field of HPACK, written out (RFC 7541, 6.2.2)."""
    return bytes((0, len(name))) + name + bytes((len(value),)) + value


def _health(stream: int, *, serving: bool) -> bytes:
    """grpc.health.v1.HealthCheckResponse with SERVING (1) or NOT_SERVING (2), and the status OK."""
    head = b"\x88" + _literal(b"content-type", b"application/grpc")  # 0x88: ":status: 200" of the static table
    body = b"\x00\x00\x00\x00\x02\x08" + (b"\x01" if serving else b"\x02")
    trailers = _literal(b"grpc-status", b"0")
    return (
        _frame(_HEADERS, _END_HEADERS, stream, head)
        + _frame(_DATA, 0, stream, body)
        + _frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, trailers)
    )
