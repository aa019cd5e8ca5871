"""A client's frames against the server's end of a connection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import anyio
import pytest

from harness.sandbox.kubelet import spdy
from harness.sandbox.kubelet.spdy_session import SpdySession, SpdyStream

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def served(*sent: bytes, opened: Callable[[SpdyStream], None] = lambda _: None) -> list[spdy.Frame]:
    """What a client that sends this is answered."""
    answers: list[bytes] = []

    async def send(frame: bytes) -> None:
        answers.append(frame)

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in sent:
            yield chunk

    with anyio.fail_after(60):
        await SpdySession(send, opened).serve(chunks())
    return [*spdy.Framer().feed(b"".join(answers))]


async def test_a_stream_is_answered_and_its_input_read_to_its_end() -> None:
    client, streams = spdy.Framer(), list[SpdyStream]()
    first = client.syn_stream(1, {"streamtype": "stdin"})
    answers = await served(first, spdy.data(1, b"one"), spdy.data(1, b"two", fin=True), opened=streams.append)
    assert answers == [spdy.SynReply(stream=1)]
    assert [chunk async for chunk in streams[0].input] == [b"one", b"two"]


async def test_pings_of_the_client_come_back_and_answers_to_ours_do_not() -> None:
    assert await served(spdy.ping(7), spdy.ping(2)) == [spdy.Ping(number=7)]


async def test_a_reset_ends_a_stream_both_ways() -> None:
    client, streams = spdy.Framer(), list[SpdyStream]()
    await served(client.syn_stream(1, {}), spdy.reset(1, spdy.CANCEL), opened=streams.append)
    assert streams[0].dropped.is_set()
    assert [chunk async for chunk in streams[0].input] == []
    await streams[0].send(b"to nobody")


async def test_a_number_that_is_taken_is_refused() -> None:
    client = spdy.Framer()
    answers = await served(client.syn_stream(1, {}), client.syn_stream(1, {}))
    assert answers == [spdy.SynReply(stream=1), spdy.Reset(stream=1)]


async def test_data_for_a_stream_that_nobody_opened_is_passed_over() -> None:
    assert await served(spdy.data(9, b"x"), spdy.ping(1)) == [spdy.Ping(number=1)]


async def test_the_end_of_the_connection_ends_its_streams() -> None:
    streams = list[SpdyStream]()
    await served(spdy.Framer().syn_stream(1, {}), opened=streams.append)
    assert streams[0].dropped.is_set()
