"""A log whose connection breaks off is read on where it was left: every line once, as long as its Pod runs."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_api import CUT, paper_kube

from harness.clusters import pod_log as room
from harness.clusters.pod_log import Position, log_lines
from harness.errors import ClusterError
from harness.kube.errors import ApiRefusal, NoAnswer

pytestmark = pytest.mark.anyio

POD = "/api/v1/namespaces/shop/pods/load"
LOG, GET = f"GET {POD}/log", f"GET {POD}"
RUNNING, OVER = {"status": {"phase": "Running"}}, {"status": {"phase": "Failed"}}
A, B, B2, C, END = (
    "2026-01-02T03:04:05.100Z a",
    "2026-01-02T03:04:05.200Z b",
    "2026-01-02T03:04:05.200Z b2",
    "2026-01-02T03:04:05.300Z c",
    '2026-01-02T03:04:05.400Z {"end": {}}',
)


@pytest.fixture(autouse=True)
def _asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_PAUSE_S", 0.01)


async def read(answers: dict[str, list[Any]]) -> tuple[list[str], list[dict[str, str]]]:
    """The lines, and what was asked of the log each time."""
    async with paper_kube(answers) as (kube, api):
        kube.patience_s = 0.1
        lines = [line.decode() async for line in log_lines(kube, "shop", "load", last=b'{"end":')]
        return lines, [call.query for call in api.asked(LOG)]


@pytest.mark.parametrize("fault", [CUT, 503, 500, 429], ids=["cut", "503", "500", "429"])
async def test_what_was_read_before_is_not_read_twice_and_nothing_is_left_out(fault: Any) -> None:
    whole = [A, B, B2, C, END]
    lines, asked = await read({LOG: [[A, B], fault, fault, whole], GET: [RUNNING]})
    assert lines == ["a", "b", "b2", "c", '{"end": {}}']
    assert "sinceSeconds" not in asked[0]
    assert all(60 <= int(query["sinceSeconds"]) <= 70 for query in asked[1:])


async def test_the_log_of_a_pod_that_has_ended_ends() -> None:
    assert (await read({LOG: [[A, B]], GET: [OVER]}))[0] == ["a", "b"]
    assert (await read({LOG: [[A, B]], GET: [404]}))[0] == ["a", "b"]


async def test_after_its_last_line_nobody_is_asked_any_more() -> None:
    lines, asked = await read({LOG: [[A, END]], GET: [403]})
    assert (len(lines), len(asked)) == (2, 1)


async def test_a_log_that_may_not_be_read_is_told_at_once() -> None:
    with pytest.raises(ApiRefusal, match="403"):
        await read({LOG: [403], GET: [RUNNING]})


@pytest.mark.parametrize("fault", [CUT, [A]], ids=["cut", "ended without a word"])
async def test_one_that_cannot_be_had_for_a_minute_is_given_up(fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_GIVEN_UP_S", 0.2)
    with pytest.raises(NoAnswer) as given_up:
        await read({LOG: [[A], fault], GET: [RUNNING]})
    assert isinstance(given_up.value, ClusterError)


def test_lines_without_a_time_are_taken_as_they_are() -> None:
    position = Position()
    assert [position.take(line) for line in (b"new,0,1", b"", b"Traceback (most recent call last):")] == [
        b"new,0,1",
        b"",
        b"Traceback (most recent call last):",
    ]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.data())
def test_however_often_it_breaks_off_every_line_is_read_once(steps: list[int], data: st.DataObject) -> None:
    """`steps`: how much later each line is than the one before; many have the same time."""
    times = list(itertools.accumulate(steps))
    log = [f"2026-01-02T03:04:05.{at:03d}Z {n}".encode() for n, at in enumerate(times)]
    position, lines = Position(), list[bytes]()
    for _ in range(data.draw(st.integers(0, 4))):
        begin = times.index(times[len(lines) - 1]) if lines else 0
        begin = data.draw(st.integers(0, begin))  # from some moment before, with all that has its time
        begin = times.index(times[begin])
        end = data.draw(st.integers(begin, len(log)))
        position.begin()
        lines += [line for stamped in log[begin:end] if (line := position.take(stamped)) is not None]
    position.begin()
    lines += [line for stamped in log if (line := position.take(stamped)) is not None]
    assert lines == [str(n).encode() for n in range(len(log))]
