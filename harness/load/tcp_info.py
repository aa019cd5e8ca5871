"""A TCP socket into what Linux knows of its connection: getsockopt(TCP_INFO), struct tcp_info of <linux/tcp.h>.

The struct has grown at its end ever since, and an older kernel returns a shorter one; what it does not have is None.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.load.attempt import Attempt

_LONGEST = 512
_LAST_ACK_RECV, _TOTAL_RETRANS, _BYTES_ACKED, _MIN_RTT = 56, 100, 120, 148  # offsets; the last two since 4.1 and 4.9
_U32, _U64 = struct.Struct("=I"), struct.Struct("=Q")
_NO_RTT = 0xFFFFFFFF
_COARSE_CLOCK = 6  # CLOCK_MONOTONIC_COARSE, which goes on with the kernel's tick


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpInfo:
    """A part of struct tcp_info.

    `bytes_acked` counts from 1, for the SYN, since the connection was made; `since_last_ack_s` since the last segment
    with an acknowledgement came, which a FIN has and a RST has not, in steps of the kernel's tick.
    """

    bytes_acked: int | None
    min_rtt_s: float | None
    retransmits: int | None
    since_last_ack_s: float | None


def tcp_info(sock: socket.socket) -> TcpInfo | None:
    """What the kernel knows, also after the connection's end; None where it cannot be asked."""
    if sys.platform != "linux":  # others have none, or one of another shape
        return None
    try:
        return parse(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LONGEST))
    except OSError:
        return None


def parse(data: bytes) -> TcpInfo:
    """The fields of a struct of any length."""
    acked, min_rtt_us = _field(_U64, data, _BYTES_ACKED), _field(_U32, data, _MIN_RTT)
    since_ms = _field(_U32, data, _LAST_ACK_RECV)
    return TcpInfo(
        bytes_acked=acked or None,  # 0, without even the SYN: a kernel that imitates the struct and does not count
        min_rtt_s=None if min_rtt_us in (None, 0, _NO_RTT) else min_rtt_us / 1e6,
        retransmits=_field(_U32, data, _TOTAL_RETRANS),
        since_last_ack_s=None if since_ms is None else since_ms / 1e3,
    )


def _field(kind: struct.Struct, data: bytes, offset: int) -> int | None:
    if len(data) < offset + kind.size:
        return None
    number: int = kind.unpack_from(data, offset)[0]
    return number


def facts_at_end(
    sock: socket.socket, *, request_bytes: int | None, before_bytes: int, is_eof: bool
) -> dict[str, float | None]:
    """Values of TcpFacts that the kernel gives for a connection that has just ended under a request, or timed out.

    `request_bytes` and `before_bytes`: the size of the request and of what was written before it on the connection;
    None where the kernel counts something else (TLS).
    """
    info = tcp_info(sock)
    if info is None:
        return {}
    acked = None
    if request_bytes is not None and info.bytes_acked is not None:
        acked = min(request_bytes, max(0, info.bytes_acked - 1 - before_bytes))
    late = None
    if is_eof and info.since_last_ack_s is not None:
        # Both ends are rounded to ticks, so one tick is within the error.
        late = max(0.0, info.since_last_ack_s - _tick_s())
    size = None if acked is None else request_bytes
    return {"acked": acked, "request_bytes": size, "min_rtt": info.min_rtt_s, "seen_late": late}


def learn_retransmits(attempt: Attempt, sock: socket.socket) -> None:
    """Note what the kernel had to send again while connecting."""
    if (info := tcp_info(sock)) is not None:
        attempt.learn(retransmits=info.retransmits)


def _tick_s() -> float:
    return time.clock_getres(_COARSE_CLOCK)
