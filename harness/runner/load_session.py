"""A load worker beside the rollouts -> rows of requests.csv, and counts of what is happening now."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace

import anyio

from harness.clusters.cluster import Worker
from harness.errors import LoadError
from harness.load import End, Statistics, parse_line
from harness.model.request import COLUMNS, Outcome
from harness.model.run import WorkerClock, WorkerEnd
from harness.runner.quiet import is_above
from harness.store.writer import RunWriter

SPAN_S = 30.0
FASTEST_S = 0.05
"""How long the fastest line of a worker in a Pod takes to arrive, at most: written, read by the kubelet, streamed."""

_CLOCK_STEP_S = 0.001
"""What less is known of it, or more, is not worth replacing run.json."""

_TIMES = slice(COLUMNS.index("scheduled"), COLUMNS.index("ended") + 1)
_ENDED = COLUMNS.index("ended")
_OUTCOME, _STATUS = COLUMNS.index("outcome"), COLUMNS.index("status")
_LOOK_S = 0.05
_WORKER = 0
_FRESH_S = 3.0
"""A worker tells of every second: one of which nothing was heard for so long may not be sending."""

SILENT_S = 45.0
"""... and one that is silent for so long is given up; a log that comes through an API may pause for half a minute."""

_STOPPED_TOO_S = 1.0
"""Who stopped the worker may be about to stop the run as well: Ctrl-C reaches both."""

_UNCOUNTED = frozenset({Outcome.OK.value, Outcome.UNSENT.value})


@dataclass(slots=True)
class LoadSession:
    """Takes in what one worker prints, hands every row on to the run directory, and keeps the counts.

    `last_lost`: run clock of the newest failure on the level of connections. Answers with a wrong status do not count
    there: an application may give them all day.
    """

    worker: Worker
    writer: RunWriter
    now: Callable[[], float]
    own_clock: bool = False  # the worker's: then `shift_s` is added to its times, to be on the run's clock
    shift_s: float = 0.0
    requests: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)  # HTTP's, of the answers that failed by it
    first: float | None = None  # run clock of the first request's end
    last_lost: float | None = None
    lost: dict[int, float] = field(default_factory=dict)  # second of the run clock -> its last such failure
    background: float = 0.0  # the share of seconds with such a failure while nothing was done to the application
    delays_s: dict[int, float] = field(default_factory=dict)  # the shortest time from a line to its arrival, by span
    seconds: dict[int, tuple[int, int]] = field(default_factory=dict)  # of the requests' ends -> how many; failed
    kept_clock: WorkerClock | None = None  # as run.json has it
    heard: float | None = None  # run clock of the last second that it told of
    stopping: bool = False  # it is asked to end
    asked: bool = False  # ... and has been
    complaint: str = ""  # the last line that was neither a row nor statistics
    ended: anyio.Event = field(default_factory=anyio.Event)

    @property
    def failed(self) -> int:
        """Requests that failed so far."""
        return sum(count for outcome, count in self.outcomes.items() if outcome not in _UNCOUNTED)

    async def follow(self) -> None:
        """Take in everything until the worker ends.

        Raises:
            LoadError: it ended without its last line, so that what it did at the end is not known; or before it was
                asked to, so that rollouts would go on without load.
        """
        whole = False
        try:
            async for line in self.worker.lines():
                if line.startswith(b"{"):
                    whole = self._statistics(line) or whole
                elif line:
                    self._request(line)
        finally:
            self.ended.set()
        said = f" ({self.complaint})" if self.complaint else ""
        if not whole:
            raise LoadError(
                "following the load worker",
                f"the load worker's output ended before its last line{said}",
                "Was it killed?",
            )
        if not self.stopping:
            ended = self.now()
            await anyio.sleep(_STOPPED_TOO_S)
            if not self.stopping:
                raise self._gone(f"it ended by itself at {ended:.1f} s{said}")

    async def stop(self, *, drain_s: float) -> None:
        """Ask the worker to end, and wait until it has and all that it said is taken in, `drain_s` at most.

        Raises:
            ClusterError: it cannot be asked; the call has been repeated for its time.
        """
        await self.ask_to_stop()
        with anyio.move_on_after(drain_s):
            await self.ended.wait()

    async def ask_to_stop(self) -> None:
        """Ask the worker to end, if that has not been done.

        Raises:
            ClusterError: it cannot be asked; the call has been repeated for its time.
        """
        self.stopping = True
        if not self.asked:
            await self.worker.stop()
            self.asked = True

    async def until_sending(self, *, deadline_s: float = SILENT_S) -> None:
        """Return once the worker is known to be at work: no rollout may go on without load.

        Raises:
            LoadError: it has ended, or has told of no second for `deadline_s`.
        """
        start = self.now()
        while not self.ended.is_set():
            now, heard = self.now(), self.heard if self.heard is not None else (self.first or 0.0)
            if now - heard <= _FRESH_S:
                return
            # Counted from here: where this process stood still, what it missed is read first.
            if now - start >= deadline_s:
                raise self._gone(f"nothing has been heard of it since {heard:.1f} s, for {now - heard:.0f} s")
            await anyio.sleep(_LOOK_S)
        raise self._gone("it has ended by itself")

    def _gone(self, seen: str) -> LoadError:
        return LoadError(
            "following the load worker",
            f"the load worker is gone: {seen}",
            "Was it evicted, drained, or stopped by hand?",
        )

    def _request(self, line: bytes) -> None:
        cells = line.split(b",")
        if len(cells) != len(COLUMNS):  # what a Python or a container prints when it cannot start
            self.complaint = line.decode(errors="replace").strip() or self.complaint
            return
        self.writer.requests([_shifted(cells, self.shift_s) if self.own_clock else line])
        outcome = cells[_OUTCOME].decode()
        if self.first is None:
            self.first = self.now()
        self.requests += 1
        self.outcomes[outcome] += 1
        self._count_second(cells[_ENDED], outcome)
        if outcome == Outcome.STATUS.value:
            self.statuses[cells[_STATUS].decode()] += 1
        elif outcome not in _UNCOUNTED:
            self.last_lost = self.now()
            self.lost[int(self.last_lost)] = self.last_lost

    def _count_second(self, ended: bytes, outcome: str) -> None:
        """By when it ended, not by when that was heard: lines may come late, and many at once."""
        if outcome != Outcome.UNSENT.value and ended:
            second = int(float(ended) + self.shift_s)
            requests, failed = self.seconds.get(second, (0, 0))
            self.seconds[second] = requests + 1, failed + (outcome not in _UNCOUNTED)

    def _statistics(self, line: bytes) -> bool:
        """Take in a second's statistics; whether it was the worker's last line."""
        said = parse_line(line.decode(errors="replace"))
        if isinstance(said, Statistics):
            self.heard = now = self.now()
            if self.own_clock and not self.requests:
                # Of the lines before the first request the one that arrived soonest tells the worker's clock.
                self.shift_s = min(self.shift_s, now - said.t) if self.delays_s else now - said.t
            said = replace(said, t=round(said.t + self.shift_s, 6))
            span = int(now // SPAN_S)
            self.delays_s[span] = min(self.delays_s.get(span, math.inf), now - said.t)
            self.writer.worker_second(asdict(said))
            if self.own_clock:
                self._keep_clock()
        if isinstance(said, End):
            self.writer.update(ends=(WorkerEnd(worker=_WORKER, requests=said.end),))
        return isinstance(said, End)

    def _keep_clock(self) -> None:
        """Have run.json say how the worker's clock stands, at all times: a run that is killed has no end."""
        clock, kept = self.clock(), self.kept_clock
        if (
            kept is None
            or kept.offset_s != clock.offset_s
            or abs(kept.uncertainty_s - clock.uncertainty_s) > _CLOCK_STEP_S
        ):
            self.writer.update(clocks=(clock,))
            self.kept_clock = clock

    def clock(self) -> WorkerClock:
        """What was added to the worker's times, and how far off they can still be.

        A line cannot arrive before it was written; and of all those of half a minute the fastest is taken to need no
        longer than `FASTEST_S`. So where the fastest of some other half minute needed more or less than that of the
        first, the two clocks have drifted apart by as much.
        """
        drift_s = max((abs(delay_s) for delay_s in self.delays_s.values()), default=0.0)
        return WorkerClock(worker=_WORKER, offset_s=self.shift_s, uncertainty_s=drift_s + FASTEST_S)

    def measure_background(self, start: float, end: float) -> None:
        """Take what was lost in [start, end) for what this network and application lose at any time."""
        bad = sum(start <= moment < end for moment in self.lost.values())
        self.background = min(1.0, bad / max(1.0, end - start))

    async def until_quiet(self, quiet_s: float, *, cap_s: float) -> None:
        """Wait until no more connection-level failures have come in `quiet_s` seconds than the background gives.

        `cap_s` at most.
        """
        start = self.now()
        while (now := self.now()) < start + max(cap_s, quiet_s):
            recent = [moment for moment in self.lost.values() if moment > max(start, now - quiet_s)]
            if now >= start + quiet_s and not is_above(len(recent), math.ceil(quiet_s), self.background):
                return
            # Nothing can be decided before the quiet time is over, nor before the oldest failure is out of it.
            due = max(start, min(recent, default=start)) + quiet_s
            await anyio.sleep(max(_LOOK_S, min(due, start + max(cap_s, quiet_s)) - now))

    async def until_warm(self, calm_s: float, *, deadline_s: float) -> None:
        """Wait until requests succeed and none has failed for `calm_s`.

        Raises:
            LoadError: that does not come within `deadline_s`; says what the requests came to.
        """
        start = time.monotonic()
        while time.monotonic() - start < deadline_s:
            await anyio.sleep(0.05)
            if self.first is None or not self.outcomes[Outcome.OK.value]:
                continue
            if self.now() - max(self.first, self.last_lost or self.first) >= calm_s:
                return
        named = {Outcome.STATUS.value: f"status ({', '.join(sorted(self.statuses))})"}
        counts = (f"{count} {named.get(outcome, outcome)}" for outcome, count in self.outcomes.most_common())
        seen = ", ".join(counts) or "no answer at all"
        raise LoadError(
            f"warming up for {deadline_s:g} s",
            f"the Service is not answering steadily: {seen}",
            "Does the application work without any rollout? Are request.path and service.port right?",
        )


def _shifted(cells: list[bytes], shift_s: float) -> bytes:
    """A row of requests.csv with all of its times later by that much."""
    times = [b"%.6f" % (float(cell) + shift_s) if cell else cell for cell in cells[_TIMES]]
    return b",".join([*cells[: _TIMES.start], *times, *cells[_TIMES.stop :]])
