"""What a client asks of a command's streams, and what it is told of the command's end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.sandbox.kubelet.remotecommand import Channel, Options, OptionsError, Streams, _ended

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Written(Streams):
    """Streams that keep what they were to send."""

    def __init__(self, **kinds: bool) -> None:
        super().__init__(**kinds)
        self.sent: list[tuple[Channel, bytes]] = []

    async def serve(self) -> None:
        return

    async def write(self, channel: Channel, chunk: bytes) -> None:
        self.sent.append((channel, chunk))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"stdout": "true", "stderr": "1"}, (False, True, True, False)),
        ({"stdin": "true", "stdout": "true", "stderr": "true", "tty": "true"}, (True, True, False, True)),
        ({"stdin": "1", "stdout": "0"}, (True, False, False, False)),
    ],
)
def test_the_streams_that_are_wanted(query: dict[str, str], wanted: tuple[bool, ...]) -> None:
    options = Options.of(query)
    assert (options.stdin, options.stdout, options.stderr, options.tty) == wanted


@pytest.mark.parametrize("query", [{}, {"tty": "true", "stderr": "true"}])
def test_a_command_without_any_stream_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(OptionsError, match="you must specify at least 1 of stdin, stdout, stderr"):
        Options.of(query)


async def test_an_exit_code_is_told_as_the_cause_of_a_status() -> None:
    streams = Written()
    await streams.finish(_ended(("sh", "-c", "exit 3"), 3))
    ((channel, said),) = streams.sent
    status: dict[str, Any] = json.loads(said)
    assert channel is Channel.ERROR
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]


async def test_before_the_fourth_protocol_success_is_silence_and_failure_words() -> None:
    streams = Written(in_json=False)
    await streams.finish(_ended(("true",), 0))
    await streams.finish(_ended(("false",), 1))
    expected = b"command terminated with non-zero exit code: error executing command [false], exit code 1"
    assert streams.sent == [(Channel.ERROR, expected)]


async def test_the_fifth_protocol_says_of_an_error_twice_that_it_is_one() -> None:
    once, twice = Written(), Written(nested_errors=True)
    for streams in (once, twice):
        await streams.fail("no such program")
    said = [json.loads(streams.sent[0][1])["message"] for streams in (once, twice)]
    assert said == [f"{'Internal error occurred: ' * times}no such program" for times in (1, 2)]


async def test_sizes_are_read_however_they_are_cut() -> None:
    streams, sizes = Written(), list[tuple[int, int]]()
    streams.resized = lambda columns, rows: sizes.append((columns, rows))
    for chunk in (b'{"Width":80,"Height":24}', b'{"Width":1', b'00,"Height":30}\n{"Wid', b"nonsense}", b"\xff}"):
        await streams._take(Channel.RESIZE, chunk)
    assert sizes == [(80, 24), (100, 30)]
