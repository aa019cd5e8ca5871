"""Netlink sockets of the kernel -> connections as they are tracked, links that go, and sockets that listen.

Sources: include/uapi/linux/netfilter/nfnetlink_conntrack.h, rtnetlink.h, sock_diag.h and inet_diag.h. The parsers are
pure and take what one `recv` gave.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROUTE, _SOCK_DIAG, _NETFILTER = 0, 4, 12
_LINK_GROUP = 1  # RTMGRP_LINK
_CONNTRACK_GROUPS = 1 | 4  # NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_DESTROY: group n is bit n - 1
_CONNTRACK_NEW, _CONNTRACK_DELETE = 0x100, 0x102
_DELETED_LINK, _IFNAME = 17, 3  # RTM_DELLINK, IFLA_IFNAME
_BUFFER_BYTES = 8 << 20
_RECEIVE_BYTES = 1 << 18
_DONE, _ERROR = 3, 2
_ALL_FAMILIES = 18  # TCPDIAG_GETSOCK: IPv4 and IPv6 in one dump, where SOCK_DIAG_BY_FAMILY takes two
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ESTABLISHED, _CLOSE_WAIT, _LISTEN = 1, 8, 10


class FlowEvent(StrEnum):
    """What became of an entry of the connection table."""

    NEW = "new"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class Flow:
    """A TCP connection in the table: who opened it, what it was addressed to, and who answers: (address, port) each."""

    event: FlowEvent
    client: tuple[str, int]
    addressed: tuple[str, int]
    answering: tuple[str, int]


def conntrack_socket() -> socket.socket:
    """Hears of every connection that the present network namespace begins or ends to track."""
    return _group_socket(_NETFILTER, _CONNTRACK_GROUPS)


def link_socket() -> socket.socket:
    """Hears of every network interface of the present network namespace that goes."""
    return _group_socket(_ROUTE, _LINK_GROUP)


def received(hearing: socket.socket) -> bytes:
    """What the kernel has sent, one datagram.

    Raises:
        BlockingIOError: nothing is there.
        OSError: ENOBUFS where messages were lost.
    """
    return hearing.recv(_RECEIVE_BYTES)


def flows(data: bytes) -> Iterator[Flow]:
    """The IPv4 TCP connections that a datagram of `conntrack_socket` tells of."""
    for kind, body in _messages(data):
        if kind not in (_CONNTRACK_NEW, _CONNTRACK_DELETE):
            continue
        attributes = dict(_attributes(body[4:]))
        original, reply = _tuple(attributes.get(1, b"")), _tuple(attributes.get(2, b""))
        if original and reply:
            event = FlowEvent.NEW if kind == _CONNTRACK_NEW else FlowEvent.DESTROY
            yield Flow(event, original[0], original[1], reply[0])


def links_gone(data: bytes) -> Iterator[str]:
    """The names of the interfaces whose end a datagram of `link_socket` tells."""
    for kind, body in _messages(data):
        if kind == _DELETED_LINK and body[0] == socket.AF_UNSPEC:  # AF_BRIDGE: it only left a bridge
            name = dict(_attributes(body[16:])).get(_IFNAME)
            if name:
                yield name.rstrip(b"\0").decode()


class Sockets:
    """The TCP sockets of the network namespace in which this is made, asked for again and again.

    The kernel's dump by state: reading /proc/net/tcp walks the whole machine's table, which takes 13 ms here, a dump of
    the listening ones 0.1 ms, one of the connected ones 0.4 ms.
    """

    def __init__(self) -> None:
        self._diag = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG)

    def listening(self) -> frozenset[int]:
        """The ports that accept connections, over IPv4 or IPv6."""
        return frozenset(own for own, _, _ in self._dump((_LISTEN,)))

    def accepted(self) -> frozenset[tuple[str, int]]:
        """The other ends of the connections that a program has accepted: one in an accept queue has no inode yet."""
        return frozenset(peer for _, peer, inode in self._dump((_ESTABLISHED, _CLOSE_WAIT)) if inode)

    def close(self) -> None:
        """Gives the namespace back."""
        self._diag.close()

    def _dump(self, states: tuple[int, ...]) -> list[tuple[int, tuple[str, int], int]]:
        wanted = sum(1 << state for state in states)
        request = struct.pack("<52xII", wanted, 0)
        self._diag.send(struct.pack("<IHHII", 16 + len(request), _ALL_FAMILIES, _DUMP, 0, 0) + request)
        found: list[tuple[int, tuple[str, int], int]] = []
        while True:
            for kind, body in _messages(self._diag.recv(_RECEIVE_BYTES)):
                if kind == _DONE:
                    return found
                if kind == _ERROR:
                    raise OSError(-struct.unpack_from("<i", body)[0], "the kernel does not dump TCP sockets")
                found.append(_socket(body))


def _socket(body: bytes) -> tuple[int, tuple[str, int], int]:
    own, peer = struct.unpack_from(">HH", body, 4)
    address = body[24:28] if body[0] == socket.AF_INET else body[36:40]  # the last four bytes of a mapped IPv4 address
    return own, (socket.inet_ntoa(address), peer), struct.unpack_from("<I", body, 68)[0]


def _group_socket(protocol: int, groups: int) -> socket.socket:
    hearing = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, protocol)
    try:
        hearing.setsockopt(socket.SOL_SOCKET, 33, _BUFFER_BYTES)  # SO_RCVBUFFORCE
    except PermissionError:  # an ordinary user's sandbox: as much as the machine allows everybody
        hearing.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    hearing.bind((0, groups))
    return hearing


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + 16 <= len(data):
        length, kind = struct.unpack_from("<IH", data, offset)
        if length < 16:
            return
        yield kind, data[offset + 16 : offset + length]
        offset += (length + 3) & ~3


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + 4 <= len(data):
        length, kind = struct.unpack_from("<HH", data, offset)
        if length < 4:
            return
        yield kind & 0x3FFF, data[offset + 4 : offset + length]  # without the flags: nested, network byte order
        offset += (length + 3) & ~3


def _tuple(data: bytes) -> tuple[tuple[str, int], tuple[str, int]] | None:
    """A connection's tuple: (source, destination); None unless it is TCP over IPv4."""
    parts = dict(_attributes(data))
    address, protocol = dict(_attributes(parts.get(1, b""))), dict(_attributes(parts.get(2, b"")))
    if protocol.get(1) != bytes([socket.IPPROTO_TCP]) or 1 not in address or 2 not in protocol:
        return None
    source, destination = socket.inet_ntoa(address[1]), socket.inet_ntoa(address[2])
    return (source, int.from_bytes(protocol[2])), (destination, int.from_bytes(protocol[3]))
