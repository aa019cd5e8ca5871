"""Datagrams of the kernel, byte for byte, are read as the connections and links that they tell of."""

from __future__ import annotations

import socket
import struct

import pytest

from harness.sandbox.instruments.truth.netlink import Flow, FlowEvent, Sockets, flows, links_gone

TCP, UDP = 6, 17
NEW, DELETE, DELETED_LINK = 0x100, 0x102, 17


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("<IHHII", 16 + len(body), kind, 0, 0, 0) + body + b"\0" * (-len(body) % 4)


def tuple_of(kind: int, source: tuple[str, int], destination: tuple[str, int], protocol: int) -> bytes:
    addresses = attribute(1, socket.inet_aton(source[0])) + attribute(2, socket.inet_aton(destination[0]))
    ports = attribute(2, struct.pack(">H", source[1])) + attribute(3, struct.pack(">H", destination[1]))
    nested = 0x8000
    return attribute(
        kind | nested,
        attribute(1 | nested, addresses) + attribute(2 | nested, attribute(1, bytes([protocol])) + ports),
    )


def tracked(kind: int = NEW, protocol: int = TCP) -> bytes:
    client, service, pod = ("10.200.1.10", 41000), ("10.96.3.4", 80), ("10.244.1.7", 8080)
    body = b"\x02\0\0\0" + tuple_of(1, client, service, protocol) + tuple_of(2, pod, client, protocol)
    return message(kind, body)


@pytest.mark.parametrize(("kind", "event"), [(NEW, FlowEvent.NEW), (DELETE, FlowEvent.DESTROY)])
def test_a_translated_connection_is_read_with_client_service_and_pod(kind: int, event: FlowEvent) -> None:
    expected = Flow(event, ("10.200.1.10", 41000), ("10.96.3.4", 80), ("10.244.1.7", 8080))
    assert list(flows(tracked(kind))) == [expected]


def test_all_messages_of_a_datagram_are_read() -> None:
    events = [flow.event for flow in flows(tracked(NEW) + tracked(DELETE) + tracked(NEW))]
    assert events == [FlowEvent.NEW, FlowEvent.DESTROY, FlowEvent.NEW]


def test_what_is_not_tcp_or_another_message_is_passed_over() -> None:
    assert list(flows(tracked(protocol=UDP) + tracked(0x101))) == []


def test_a_torn_message_is_passed_over() -> None:
    assert list(flows(tracked()[:20])) == []
    assert list(flows(b"\0" * 40)) == []


@pytest.mark.parametrize(("family", "names"), [(socket.AF_UNSPEC, ["v17"]), (7, [])])
def test_a_link_is_gone_when_it_is_deleted_and_not_when_it_leaves_a_bridge(family: int, names: list[str]) -> None:
    body = bytes([family]) + b"\0" * 15 + attribute(3, b"v17\0")
    assert list(links_gone(message(DELETED_LINK, body))) == names
    assert list(links_gone(message(16, body))) == []


@pytest.mark.parametrize(("family", "own"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::ffff:127.0.0.1")])
def test_listening_and_accepted_sockets_of_this_namespace_are_seen(family: int, own: str) -> None:
    sockets = Sockets()
    with socket.socket(family) as server, socket.socket() as client:
        server.bind((own, 0))
        port = server.getsockname()[1]
        assert port not in sockets.listening()
        server.listen()
        assert port in sockets.listening()
        client.bind(("127.77.0.1", 0))  # else a connection of another test may have the same port, to another server
        client.connect(("127.0.0.1", port))
        assert client.getsockname() not in sockets.accepted()
        accepted, _ = server.accept()
        with accepted:
            assert client.getsockname() in sockets.accepted()
    assert port not in sockets.listening()
    sockets.close()
