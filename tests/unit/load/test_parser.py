"""h11 behind the calls of httptools: of every answer in order, cut anywhere, both tell the same."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.load import h11_parser, parser


class Told:
    """What a parser told of each message: status, headers, bytes of the body, whether it ended, if more can come."""

    def __init__(self, kind: Any) -> None:
        self.messages: list[dict[str, Any]] = []
        self._parser = kind(self)

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.messages.append({"headers": [], "bytes": 0, "ended": False})

    def on_header(self, name: bytes, value: bytes) -> None:
        self.messages[-1]["headers"].append((name.lower(), value))

    def on_headers_complete(self) -> None:
        found = self.messages[-1]
        found["status"], found["keeps"] = self._parser.get_status_code(), self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        self.messages[-1]["bytes"] += len(body)

    def on_message_complete(self) -> None:
        self.messages[-1]["ended"] = True


CODINGS = (b"transfer-encoding",)
BOTH = (httptools.HttpResponseParser, h11_parser.HttpResponseParser)


def told(kind: Any, pieces: list[bytes]) -> list[dict[str, Any]]:
    heard = Told(kind)
    for piece in pieces:
        heard.feed(piece)
    # Where nothing was said after an interim answer the one has begun the next already.
    return [message for message in heard.messages if "status" in message]


names = st.sampled_from(
    [b"X-Pod", b"Server", b"Via", b"X-Envoy-Upstream-Service-Time", b"Date", b"X-Odd!#$%&'*+.^_`|~9"]
)
values = st.sampled_from([b"web-1", b"", b"nginx/1.28.0", b"1.1 google", b"a, b;q=0.5", b"\xe9t\xe9", b"x" * 20000])
headers = st.lists(st.tuples(names, values), max_size=4)
interim = st.lists(st.sampled_from([b"100 Continue", b"102 Processing", b"103 Early Hints"]), max_size=2)
status = st.sampled_from(
    [b"200 OK", b"200", b"204 No Content", b"304 Not Modified", b"404 ", b"503 Service Unavailable"]
)
connection = st.sampled_from(
    [b"", b"Connection: close\r\n", b"Connection: Keep-Alive\r\n", b"connection: foo, close\r\n"]
)
framing = st.sampled_from(["length", "chunks", "end of the connection"])


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    body = draw(st.binary(max_size=40))
    how = draw(framing)
    head = b"".join(b"HTTP/1.1 " + each + b"\r\n\r\n" for each in draw(interim))
    line = draw(status)
    head += draw(st.sampled_from([b"HTTP/1.1 ", b"HTTP/1.0 "])) + line + b"\r\n" + draw(connection)
    head += b"".join(name + b": " + value + b"\r\n" for name, value in draw(headers))
    if line[:3] in (b"204", b"304"):  # they have no body, whatever they say
        return head + b"\r\n"
    if how == "length":
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    if how == "chunks" and b"HTTP/1.0" not in head:
        cut = draw(st.integers(0, len(body)))
        chunks = b"".join(b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in (body[:cut], body[cut:]) if part)
        return head + b"Transfer-Encoding: Chunked\r\n\r\n" + chunks + b"0\r\n" + draw(trailers) + b"\r\n"
    return head + b"\r\n" + body


trailers = st.sampled_from([b"", b"X-Checksum: 1\r\n"])


@given(st.lists(answers(), min_size=1, max_size=3), st.data())
@example([b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], None)
def test_answers_in_order_are_told_alike_wherever_they_are_cut(wholes: list[bytes], data: st.DataObject | None) -> None:
    """One answer after the other, as they come on a kept connection, as long as it may be kept."""
    heard = [Told(kind) for kind in BOTH]
    for whole in wholes:
        cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=4)) if data else [3]
        for begin, end in pairwise([0, *sorted(cuts), len(whole)]):
            for each in heard:
                if whole[begin:end]:
                    each.feed(whole[begin:end])
        first, second = ([message for message in each.messages if "status" in message] for each in heard)
        for message in (*first, *second):  # httptools tells trailers too, and h11 lowers the names of codings
            heads = (header for header in message["headers"] if header[0] != b"x-checksum")
            message["headers"] = [(name, value.lower() if name in CODINGS else value) for name, value in heads]
        assert first == second
        if not (first[-1]["keeps"] and first[-1]["ended"]):
            return


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    ("said", "whole"),
    [
        (b"SSH-2.0-OpenSSH_9.7\r\n", 0),
        (b"S", 0),
        (b"HTTQ", 0),
        (b"\0" * 64, 0),
        (b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n", 0),
        (b"HTTP/1.1 twohundred OK\r\n\r\n", 0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", 0),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", 1),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nSSH-2.0", 1),
    ],
)
def test_what_is_not_http_is_refused_by_both_after_what_was(kind: Any, said: bytes, whole: int) -> None:
    heard = Told(kind)

    def feed() -> None:
        heard.feed(said)
        heard.feed(b"x")

    with pytest.raises((*parser.UNREADABLE, h11_parser.HttpParserError)):
        feed()
    assert sum(message["ended"] for message in heard.messages) == whole


@pytest.mark.parametrize("kind", BOTH)
def test_a_head_longer_than_any_buffer_is_read(kind: Any) -> None:
    (message,) = told(kind, [b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 500_000, b"\r\nContent-Length: 0\r\n\r\n"])
    assert message["ended"]
