"""SPDY frames: bytes laid out by hand from the specification, and what one end writes the other reads."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.kubelet import spdy
from harness.sandbox.kubelet.spdy import Data, Framer, GoAway, Ping, Reset, SpdyError, SynReply, SynStream

HEADERS = {"streamtype": "data", "port": "80", "requestid": "0"}


def frames(*chunks: bytes) -> list[spdy.Frame]:
    framer = Framer()
    return [frame for chunk in chunks for frame in framer.feed(chunk)]


def test_the_dictionary_is_the_specifications() -> None:
    assert len(spdy.DICTIONARY) == 1423
    assert zlib.adler32(spdy.DICTIONARY) == 0xE3C6A7C2  # what every SPDY/3 header block begins with


def test_a_stream_as_the_specification_lays_it_out() -> None:
    pairs = struct.pack(">I", 1) + struct.pack(">I", 4) + b"port" + struct.pack(">I", 2) + b"80"
    deflater = zlib.compressobj(zdict=spdy.DICTIONARY)
    block = deflater.compress(pairs) + deflater.flush(zlib.Z_SYNC_FLUSH)
    body = struct.pack(">IIBB", 3, 0, 0, 0) + block
    frame = struct.pack(">HHI", 0x8003, 1, 0x01 << 24 | len(body)) + body
    assert frames(frame) == [SynStream(stream=3, headers={"port": "80"}, fin=True)]


@pytest.mark.parametrize(
    ("raw", "frame"),
    [
        (bytes.fromhex("00000005 01 000002") + b"hi", Data(stream=5, payload=b"hi", fin=True)),
        (bytes.fromhex("00000005 00 000000"), Data(stream=5, payload=b"")),
        (bytes.fromhex("80030003 00000008 00000005 00000005"), Reset(stream=5)),
        (bytes.fromhex("80030006 00000004 00000001"), Ping(number=1)),
        (bytes.fromhex("80030007 00000008 00000005 00000000"), GoAway()),
    ],
)
def test_frames_without_headers(raw: bytes, frame: spdy.Frame) -> None:
    assert frames(raw) == [frame]


def test_frames_that_say_nothing_here_are_passed_over() -> None:
    settings = bytes.fromhex("80030004 0000000c 00000001 00000004 00000064")
    window = bytes.fromhex("80030009 00000008 00000001 00010000")
    assert frames(settings + window + spdy.ping(1)) == [Ping(number=1)]


@given(
    cuts=st.lists(st.integers(0, 2000), max_size=8),
    payloads=st.lists(st.binary(max_size=300), max_size=4),
    names=st.dictionaries(st.from_regex("[a-z-]{1,9}", fullmatch=True), st.text("abc09/", max_size=40), max_size=4),
)
def test_what_one_end_writes_the_other_reads_however_it_is_cut(
    cuts: list[int], payloads: list[bytes], names: dict[str, str]
) -> None:
    end = Framer()
    sent = end.syn_stream(1, names) + end.syn_stream(3, HEADERS, fin=True) + end.syn_reply(2)
    sent += b"".join(spdy.data(1, payload) for payload in payloads) + spdy.data(1, b"", fin=True)
    edges = [0, *sorted(cut for cut in cuts if cut < len(sent)), len(sent)]
    assert frames(*(sent[a:b] for a, b in pairwise(edges))) == [
        SynStream(stream=1, headers=names),
        SynStream(stream=3, headers=HEADERS, fin=True),
        SynReply(stream=2),
        *(Data(stream=1, payload=payload) for payload in payloads),
        Data(stream=1, payload=b"", fin=True),
    ]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (bytes.fromhex("80020001 00000000"), "version 2"),
        (bytes.fromhex("00000001 00 ffffff"), "a frame of 16777215 bytes"),
        (bytes.fromhex("80030001 0000000c 00000001 00000000 0000 ffff"), "cannot be inflated"),
    ],
)
def test_what_is_no_spdy_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(SpdyError, match=why):
        frames(raw)


def test_headers_that_would_fill_the_memory_are_refused() -> None:
    with pytest.raises(SpdyError, match="more than"):
        frames(Framer().syn_stream(1, {"a": "x" * 1_000_000}))


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_refused(raw: bytes) -> None:
    try:
        frames(raw)
    except SpdyError:
        return
