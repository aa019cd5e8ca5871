"""Lines of a worker whose clock is its own -> rows on the run's clock, and how far off they can be."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, cast

import pytest

from harness.clusters.process import WORKER_COMMAND, process_worker
from harness.load import Plan, Statistics, Stream, plan_json
from harness.load.plan import GREETING_S
from harness.model.request import COLUMNS
from harness.model.round_trip import RoundTrip
from harness.model.run import WorkerClock
from harness.runner.load_session import LoadSession
from harness.runner.worker_clock import FASTEST_S, ClockEstimate


class Quiet(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def plain_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class Writer:
    def __init__(self) -> None:
        self.rows: list[list[bytes]] = []
        self.seconds: list[dict[str, Any]] = []
        self.told: list[tuple[int, dict[str, Any]]] = []  # after so many rows

    def requests(self, rows: list[bytes]) -> None:
        self.rows += [row.split(b",") for row in rows]

    def worker_second(self, second: dict[str, Any]) -> None:
        self.seconds.append(second)

    def update(self, **changes: Any) -> None:
        self.told.append((len(self.rows), changes))

    @property
    def clocks(self) -> list[tuple[int, WorkerClock]]:
        """What run.json said of the worker's clock, after how many rows."""
        return [(rows, changes["clocks"][0]) for rows, changes in self.told if "clocks" in changes]


class Worker:
    """Prints what was said when: (when it arrives on the run's clock, the line)."""

    def __init__(self, lines: list[tuple[float, bytes]]) -> None:
        self._lines, self.t = lines, 0.0

    node = None

    async def accompany(self, *_: object) -> None:
        """Nothing."""

    async def lines(self) -> Any:
        for arrives, line in self._lines:
            self.t = arrives
            yield line


def second(t: float) -> bytes:
    said = Statistics(
        t=t, worker=0, sent=0, in_flight=0, unsent=0, lag_p50_ms=0, lag_p99_ms=0, lag_max_ms=0, cpu=0, replaced=0
    )
    return json.dumps(asdict(said)).encode()


def row(t: float) -> bytes:
    cells = {"stream": "new", "worker": "0", "seq": "0", "outcome": "ok", "reused": "0"}
    cells |= {"scheduled": f"{t:.6f}", "started": f"{t + 0.001:.6f}", "ended": f"{t + 0.003:.6f}"}
    return ",".join(cells.get(name, "") for name in COLUMNS).encode()


async def followed(lines: list[tuple[float, bytes]]) -> tuple[LoadSession, Writer]:
    worker, writer = Worker([*lines, (99.0, b'{"end": {"new": 1}}')]), Writer()
    session = LoadSession((cast(Any, worker),), cast(Any, writer), lambda: worker.t, own_clock=True, stopping=True)
    await session.follow()
    return session, writer


@pytest.mark.anyio
@pytest.mark.parametrize("off_s", [-3600.0, -10.0, -2.0, 0.0, 2.0, 10.0])
async def test_a_worker_may_count_from_anywhere(off_s: float) -> None:
    delays = [0.2, 0.02, 0.5]
    hello = [(5.0 + n + delay, second(5.0 + n + off_s)) for n, delay in enumerate(delays)]
    session, writer = await followed([*hello, (9.04, row(9.0 + off_s)), (10.03, second(10.0 + off_s))])
    times = [float(writer.rows[0][COLUMNS.index(name)]) for name in ("scheduled", "started", "ended")]
    assert times == pytest.approx([9.02, 9.021, 9.023])  # late by what the fastest line took, as watch events are
    assert writer.rows[0][COLUMNS.index("connected")] == b""
    assert writer.seconds[-1]["t"] == pytest.approx(10.02)
    clock = session.clocks()[0]
    assert clock.offset_s == pytest.approx(0.02 - off_s)
    assert clock.uncertainty_s < 0.02 + FASTEST_S + 0.01


@pytest.mark.anyio
async def test_run_json_knows_the_clock_before_the_first_row_and_as_it_stands() -> None:
    """A run that is killed has no end at which it could be written."""
    on_time = [(8.0 + n + 0.02, second(8.0 + n)) for n in range(20)]
    late = [(40.3, second(40.0)), (75.02, second(75.0))]
    session, writer = await followed([(5.5, second(5.0)), (6.02, second(6.0)), (7.0, row(7.0)), *on_time, *late])
    (first, _), *_ = writer.clocks
    assert first == 0
    assert writer.clocks[-1][1] == session.clocks()[0]
    assert writer.clocks[-1][1].uncertainty_s == pytest.approx(0.28 + FASTEST_S)
    assert len(writer.clocks) == 3, "what has not changed is not written again"


@pytest.mark.anyio
@pytest.mark.parametrize("off_s", [-10.0, -2.0, 2.0, 10.0])
async def test_a_real_worker_whose_clock_is_off_sends_no_burst(off_s: float, plain_server: str) -> None:
    zero, writer = time.monotonic(), Writer()
    plan = Plan(
        url=plain_server,
        streams=(Stream(name="new", rate_per_s=50),),
        start_s=20.0 + off_s,
        duration_s=1.0,
        own_clock=True,
    )
    async with process_worker(WORKER_COMMAND, plan_json(plan)) as worker:
        session = LoadSession(
            (worker,), cast(Any, writer), lambda: time.monotonic() - zero, own_clock=True, stopping=True
        )  # fmt: skip
        await session.follow()
    over = time.monotonic() - zero
    columns = {name: [cells[COLUMNS.index(name)] for cells in writer.rows] for name in COLUMNS}
    assert set(columns["outcome"]) == {b"ok"}
    due, started, ended = (sorted(map(float, columns[name])) for name in ("scheduled", "started", "ended"))
    assert len(due) == 50
    assert 0.0 < due[0] <= started[0]
    assert ended[-1] <= over
    assert due[0] - GREETING_S < over - 1.0, "it began as it was started, whatever its clock says"
    assert max(late - at for at, late in zip(due, started, strict=True)) < 0.5
    assert max(sum(at <= other < at + 0.1 for other in due) for at in due) <= 6
    assert session.clocks()[0].offset_s < over - 20.0 - off_s + GREETING_S
    assert session.clocks()[0].uncertainty_s < 0.5


@pytest.mark.anyio
async def test_a_clock_that_drifts_is_as_unsure_as_it_has_drifted() -> None:
    drifting = [(5.0 + t, second(5.0 + 1.01 * t)) for t in range(40, 200, 10)]
    session, _ = await followed([(5.02, second(5.0)), (6.0, row(6.0)), *drifting])
    assert session.clocks()[0].uncertainty_s == pytest.approx(1.9 + FASTEST_S, abs=0.1)


@pytest.mark.parametrize("off_s", [-5.0, 5.0])
@pytest.mark.parametrize("ppm", [-50.0, 50.0])
def test_a_clock_that_is_off_and_drifts_is_recovered_by_round_trips_inside_the_bound(off_s: float, ppm: float) -> None:
    """An hour in seconds: there and back take 1 to 9 ms each, by a skewed chance, and every 7th answer 200 ms."""
    chance, clock = random.Random(f"{off_s}{ppm}"), ClockEstimate()

    def said(t: float) -> float:
        return t * (1 + ppm * 1e-6) + off_s

    errors: list[float] = []
    shift_s, steps = 0.0, []
    for second_ in range(3600):
        sent = 10.0 + second_
        there, back = 0.001 + 0.008 * chance.random() ** 3, 0.001 + 0.008 * chance.random() ** 2
        answered = sent + there + (0.2 if second_ % 7 == 6 else back)
        clock.take(RoundTrip(sent=sent, answered=answered, said=said(sent + there)), sending=second_ > 0)
        if second_:
            steps.append(abs(clock.shift_s - shift_s))
        shift_s = clock.shift_s
        errors += [abs(said(t) + shift_s - t) for t in (answered, answered + 0.8)]
    assert max(errors) < 0.005
    bound_s = clock.known(0).uncertainty_s
    assert max(errors) <= bound_s + 0.8 * abs(ppm) * 1e-6
    assert bound_s < 0.015, "and that is no wide one"
    assert max(steps) <= 0.001 + 1e-9, "what was sent evenly stays even"


def test_a_clock_that_stood_still_is_said_to_be_unknown() -> None:
    """A virtual machine that was paused for 3 s."""
    clock = ClockEstimate()
    for t in range(20):
        clock.take(RoundTrip(sent=t, answered=t + 0.004, said=t + 0.002 - (3.0 if t >= 10 else 0.0)), sending=t > 0)
    assert clock.known(0).uncertainty_s >= 2.99
