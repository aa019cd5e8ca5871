"""What a container wrote comes back whole, however long its lines are and however it was written."""

from __future__ import annotations

import re
from itertools import pairwise

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.kubelet.logs import Log, Rotation, rendered

pytestmark = pytest.mark.anyio

PIECE = 16_384


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def read(log: Log, *, timestamps: bool = False, limit_bytes: int | None = None, tail: int | None = None) -> bytes:
    lines = log.read(tail=tail, since=None, follow=False)
    return b"".join([text async for text in rendered(lines, timestamps=timestamps, limit_bytes=limit_bytes)])


def written(*chunks: bytes) -> Log:
    log = Log()
    for chunk in chunks:
        log.feed(chunk)
    log.close()
    return log


@given(
    text=st.lists(st.sampled_from([b"a", b"\n", b"b" * PIECE, b"c" * (PIECE - 1)]), max_size=12).map(b"".join),
    cuts=st.lists(st.integers(0, 60_000), max_size=4),
)
async def test_nothing_is_lost_or_added_but_the_end_of_the_last_line(text: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    log = written(*(text[a:b] for a, b in pairwise(edges)))
    assert await read(log) == text + (b"\n" if text and not text.endswith(b"\n") else b"")


async def test_a_line_kept_in_pieces_has_one_time_before_it() -> None:
    text = await read(written(b"x" * (2 * PIECE + 5) + b"\nshort\n"), timestamps=True)
    stamp = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z "
    assert re.fullmatch(stamp + b"x{%d}\n" % (2 * PIECE + 5) + stamp + b"short\n", text)


@pytest.mark.parametrize(("limit", "expected"), [(1, b"o"), (4, b"one\n"), (6, b"one\ntw"), (100, b"one\ntwo\n")])
async def test_a_limit_cuts_in_the_middle_of_a_line(limit: int, expected: bytes) -> None:
    assert await read(written(b"one\ntwo\n"), limit_bytes=limit) == expected


async def test_a_limit_counts_from_the_tail() -> None:
    assert await read(written(b"one\ntwo\nthree\n"), tail=2, limit_bytes=5) == b"two\nt"


async def test_who_comes_after_a_rotation_reads_the_new_file_and_who_follows_reads_all() -> None:
    """As on a kubelet, where `kubectl logs` shows what the newest file holds."""
    log = Log(Rotation(max_bytes=100, look_s=0.0))
    followed: list[bytes] = []

    async def follow() -> None:
        followed.extend([line.text async for line in log.read(tail=None, since=None, follow=True)])

    async with anyio.create_task_group() as readers:
        readers.start_soon(follow)
        await anyio.wait_all_tasks_blocked()
        for number in range(10):
            log.feed(b"line %d\n" % number)  # of 52 bytes in the file
            if number == 4:
                await anyio.wait_all_tasks_blocked()
        log.close()
    assert followed == [b"line %d" % number for number in range(10)]
    assert await read(log) == b"line 8\nline 9\n"


async def test_a_small_log_is_not_rotated_and_none_between_two_looks() -> None:
    for rotation in (Rotation(max_bytes=10_000, look_s=0.0), Rotation(max_bytes=10, look_s=60.0)):
        log = Log(rotation)
        for number in range(10):
            log.feed(b"line %d\n" % number)
        assert (await read(log)).count(b"\n") == 10
