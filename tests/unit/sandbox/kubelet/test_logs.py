"""What a container wrote comes back whole, however long its lines are and however it was written."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.kubelet.logs import Log, rendered

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
