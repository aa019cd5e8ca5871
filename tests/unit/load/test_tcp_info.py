"""struct tcp_info of any kernel into what it says, and a connection into what its socket says."""

import socket
import struct
import sys
from unittest import mock

import pytest

from harness.load import tcp_info as module
from harness.load.tcp_info import TcpInfo, facts_at_end, parse, tcp_info

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's TCP_INFO")


def struct_of(length: int) -> bytes:
    """The fields that are read, each at its place in <linux/tcp.h>, cut off at `length`."""
    data = bytearray(280)
    struct.pack_into("=I", data, 56, 12)  # tcpi_last_ack_recv, ms
    struct.pack_into("=I", data, 100, 2)  # tcpi_total_retrans
    struct.pack_into("=Q", data, 120, 61)  # tcpi_bytes_acked
    struct.pack_into("=I", data, 148, 250)  # tcpi_min_rtt, us
    return bytes(data[:length])


@pytest.mark.parametrize(
    ("length", "info"),
    [
        (280, TcpInfo(bytes_acked=61, min_rtt_s=0.00025, retransmits=2, since_last_ack_s=0.012)),
        (152, TcpInfo(bytes_acked=61, min_rtt_s=0.00025, retransmits=2, since_last_ack_s=0.012)),
        (128, TcpInfo(bytes_acked=61, min_rtt_s=None, retransmits=2, since_last_ack_s=0.012)),  # 4.1
        (104, TcpInfo(bytes_acked=None, min_rtt_s=None, retransmits=2, since_last_ack_s=0.012)),  # 2.6
        (0, TcpInfo(bytes_acked=None, min_rtt_s=None, retransmits=None, since_last_ack_s=None)),
    ],
)
def test_what_an_older_kernel_does_not_have_is_none(length: int, info: TcpInfo) -> None:
    assert parse(struct_of(length)) == info


def test_fields_that_hold_no_measurement_are_none() -> None:
    data = bytearray(struct_of(280))
    struct.pack_into("=Q", data, 120, 0)  # not even the SYN
    struct.pack_into("=I", data, 148, 0xFFFFFFFF)  # what Linux says before the first sample
    assert parse(bytes(data)).bytes_acked is None
    assert parse(bytes(data)).min_rtt_s is None


@linux
def test_the_offsets_are_those_of_this_kernel() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as ours:
        peer, _ = listener.accept()
        with peer:
            ours.sendall(b"x" * 60)
            assert peer.recv(60, socket.MSG_WAITALL) == b"x" * 60
            peer.sendall(b"y")  # its acknowledgement goes with it
            assert ours.recv(1) == b"y"
            info = tcp_info(ours)
            assert info is not None
            assert (info.bytes_acked, info.retransmits) == (61, 0)
            assert info.min_rtt_s is not None
            assert 0 < info.min_rtt_s < 1
            assert facts_at_end(ours, request_bytes=20, before_bytes=40, is_eof=False)["acked"] == 20
            assert facts_at_end(ours, request_bytes=20, before_bytes=60, is_eof=False)["acked"] == 0
            assert facts_at_end(ours, request_bytes=None, before_bytes=0, is_eof=False)["acked"] is None


@linux
def test_a_socket_that_is_closed_says_nothing() -> None:
    sock = socket.socket()
    sock.close()
    assert tcp_info(sock) is None
    assert facts_at_end(sock, request_bytes=20, before_bytes=0, is_eof=True) == {}


def test_other_systems_say_nothing() -> None:
    with socket.socket() as sock, mock.patch.object(module.sys, "platform", "darwin"):
        assert tcp_info(sock) is None
