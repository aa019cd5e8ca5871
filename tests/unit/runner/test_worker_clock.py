"""Lines of a worker whose clock is its own -> rows on the run's clock, and how far off they can be."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, cast

import pytest

from harness.load import Statistics
from harness.model.request import COLUMNS
from harness.runner.load_session import FASTEST_S, LoadSession


class Writer:
    def __init__(self) -> None:
        self.rows: list[list[bytes]] = []
        self.seconds: list[dict[str, Any]] = []

    def requests(self, rows: list[bytes]) -> None:
        self.rows += [row.split(b",") for row in rows]

    def worker_second(self, second: dict[str, Any]) -> None:
        self.seconds.append(second)

    def update(self, **_: Any) -> None:
        """Takes the worker's end."""


class Worker:
    """Prints what was said when: (when it arrives on the run's clock, the line)."""

    def __init__(self, lines: list[tuple[float, bytes]]) -> None:
        self._lines, self.t = lines, 0.0

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
    session = LoadSession(cast(Any, worker), cast(Any, writer), lambda: worker.t, own_clock=True, stopping=True)
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
    clock = session.clock()
    assert clock.offset_s == pytest.approx(0.02 - off_s)
    assert clock.uncertainty_s < 0.02 + FASTEST_S + 0.01


@pytest.mark.anyio
async def test_a_clock_that_drifts_is_as_unsure_as_it_has_drifted() -> None:
    drifting = [(5.0 + t, second(5.0 + 1.01 * t)) for t in range(40, 200, 10)]
    session, _ = await followed([(5.02, second(5.0)), (6.0, row(6.0)), *drifting])
    assert session.clock().uncertainty_s == pytest.approx(1.9 + FASTEST_S, abs=0.1)
