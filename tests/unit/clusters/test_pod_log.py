"""A log whose connection breaks off is read on where it was left: every line once, as long as its Pod runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_api import CUT, paper_kube

from harness.clusters import pod_log as room
from harness.clusters.pod_log import Heard, log_lines
from harness.errors import ClusterError
from harness.kube.errors import ApiRefusal, NoAnswer
from harness.load import Statistics
from harness.load.records import line as row_of
from harness.load.records import statistics_line
from harness.model.request import Outcome, Request

pytestmark = pytest.mark.anyio

POD = "/api/v1/namespaces/shop/pods/load"
LOG, GET = f"GET {POD}/log", f"GET {POD}"
RUNNING, OVER = {"status": {"phase": "Running"}}, {"status": {"phase": "Failed"}}
END = '{"end": {"new": 4}}'


def row(seq: int, stream: str = "new") -> str:
    return row_of(Request(stream=stream, worker=0, seq=seq, scheduled=0.1 * seq, ended=1.0, outcome=Outcome.OK))


def second(t: float) -> str:
    counts = {"worker": 0, "sent": 1, "in_flight": 0, "unsent": 0, "cpu": 0.1, "replaced": 0}
    return statistics_line(Statistics(t=t, lag_p50_ms=0.0, lag_p99_ms=0.0, lag_max_ms=0.0, **counts))  # type: ignore[arg-type]


# Requests end in another order than they began in.
A, B, C, D, S, S2 = row(1), row(0), row(0, "kept"), row(2), second(1.0), second(2.0)
WHOLE = [A, S, B, C, S2, D, END]


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
    lines, asked = await read({LOG: [WHOLE[:3], fault, fault, WHOLE], GET: [RUNNING]})
    assert lines == WHOLE
    assert "sinceSeconds" not in asked[0]
    assert all(60 <= int(query["sinceSeconds"]) <= 70 for query in asked[1:])


@pytest.mark.parametrize("cut_at", range(1, len(D)))
async def test_a_line_that_was_cut_in_two_is_read_whole_and_its_half_is_none(cut_at: int) -> None:
    torn = [*WHOLE[:5], D[:cut_at].encode()]
    assert (await read({LOG: [torn, WHOLE[2:]], GET: [RUNNING]}))[0] == WHOLE


async def test_the_log_of_a_pod_that_has_ended_ends() -> None:
    assert (await read({LOG: [[A, B]], GET: [OVER]}))[0] == [A, B]
    assert (await read({LOG: [[A, B], 404], GET: [404]}))[0] == [A, B]


async def test_what_came_between_the_end_of_the_connection_and_that_of_the_pod_is_read_too() -> None:
    assert (await read({LOG: [[A, S], WHOLE], GET: [OVER]}))[0] == WHOLE


async def test_the_last_words_of_one_that_ended_need_no_line_end() -> None:
    assert (await read({LOG: [[A, b"Killed"]], GET: [OVER]}))[0] == [A, "Killed"]


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


def test_other_lines_are_taken_as_they_are() -> None:
    heard = Heard()
    others = (b"new,0,1", b"", b"Traceback (most recent call last):", b"{", b'{"t": null}', b'{"ability": {}}')
    assert [line for line in (*others, *others) if heard.is_new(line)] == list(others)


@given(st.permutations(range(12)), st.data())
def test_however_often_it_breaks_off_every_line_is_read_once(order: list[int], data: st.DataObject) -> None:
    """Read again from anywhere before, as a clock that was set makes it begin, whatever the order of the ends."""
    log = [row(seq // 2, ("new", "kept")[seq % 2]).encode() for seq in order]
    for second_ in range(3):
        log.insert(4 * second_ + 4, second(second_).encode())
    heard, lines, reached = Heard(), list[bytes](), 0
    for _ in range(data.draw(st.integers(0, 4))):
        begin = data.draw(st.integers(0, reached))
        reached = max(reached, end := data.draw(st.integers(begin, len(log))))
        lines += [line for line in log[begin:end] if heard.is_new(line)]
    lines += [line for line in log if heard.is_new(line)]
    assert lines == log


def test_the_time_of_a_second_is_what_tells_it_from_the_next() -> None:
    heard = Heard()
    assert [heard.is_new(second(t).encode()) for t in (-0.5, -0.45, 1.0, -0.45, 1.0, 2.0)] == [
        *[True] * 3,
        False,
        False,
        True,
    ]
    assert json.loads(second(1.0))["t"] == 1.0
