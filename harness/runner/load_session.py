"""Load workers beside the rollouts -> rows of requests.csv, and counts of what is happening now."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace

import anyio

from harness.clusters.cluster import Worker
from harness.errors import HarnessError, LoadError
from harness.load import End, Statistics, parse_line
from harness.model.quantity import things
from harness.model.request import COLUMNS, Outcome
from harness.model.round_trip import RoundTrip
from harness.model.run import WorkerClock, WorkerEnd
from harness.runner.followed_worker import FollowedWorker
from harness.runner.load_counts import LoadCounts, shifted
from harness.runner.quiet import is_above
from harness.runner.unsteady import unsteady
from harness.store.writer import RunWriter

_CLOCK_STEP_S = 0.001
"""What less is known of it, or more, is not worth replacing run.json."""

_LOOK_S = 0.05

SILENT_S = 45.0
"""A worker that is silent for so long is given up; a log that comes through an API may pause for half a minute."""

_GONE = "the load worker is gone: "
_STOPPED_TOO_S = 1.0
"""Who stopped the worker may be about to stop the run as well: Ctrl-C reaches both."""


@dataclass(slots=True)
class LoadSession(LoadCounts):
    """Takes in what the workers print, hands every row on to the run directory, and keeps the counts."""

    workers: Sequence[Worker]
    writer: RunWriter
    now: Callable[[], float]
    own_clock: bool = False  # the workers': then their times are put on the run's clock
    warn: Callable[[str], None] = lambda _: None
    followed: tuple[FollowedWorker, ...] = ()
    kept_clocks: tuple[WorkerClock, ...] = ()  # as run.json has them
    ends: tuple[WorkerEnd, ...] = ()
    stopping: bool = False  # they are asked to end
    ended: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        self.followed = tuple(FollowedWorker(number, worker) for number, worker in enumerate(self.workers))

    @property
    def working(self) -> tuple[FollowedWorker, ...]:
        """The workers that were not lost."""
        return tuple(one for one in self.followed if not one.lost)

    async def follow(self) -> None:
        """Take in everything until all workers have ended.

        One that is lost while others go on is written down, and its part of the load with it: what it sent until then
        counts, and the run goes on.

        Raises:
            LoadError: the last of them ended without its last line, so that what it did at the end is not known; or
                before it was asked to, so that rollouts would go on without load.
        """
        if any(one.worker.node for one in self.followed) or len(self.followed) > 1:
            self._keep_workers()
        if len(self.followed) == 1:
            await self._follow(self.followed[0])
            return
        async with anyio.create_task_group() as tasks:
            for one in self.followed:
                tasks.start_soon(self._follow, one)

    async def _follow(self, one: FollowedWorker) -> None:
        try:
            with one.scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._accompany, one)
                    try:
                        await self._to_its_end(one)
                    except HarnessError as error:
                        if not self._others(one):
                            raise
                        self._lose(one, error.seen or error.tried)
                    tasks.cancel_scope.cancel()
        except* HarnessError as group:
            raise group.exceptions[0] from None  # one task of two fails, and what it says is what matters

    async def _accompany(self, one: FollowedWorker) -> None:
        def timed(trip: RoundTrip) -> None:
            if self.own_clock:
                one.clock.take(trip, sending=one.first is not None)

        await one.worker.accompany(self.now, timed)

    async def _to_its_end(self, one: FollowedWorker) -> None:
        try:
            async for line in one.worker.lines():
                if line.startswith(b"{"):
                    self.statistics(one, line)
                elif line:
                    self.request(one, line)
        finally:
            one.over = True
            if all(each.over for each in self.followed):
                self.ended.set()
        if not one.whole:
            raise LoadError(
                "following the load worker",
                f"the load worker's output ended before its last line{one.said}",
                "Was it killed?",
            )
        if not self.stopping:
            ended = self.now()
            await anyio.sleep(_STOPPED_TOO_S)
            if not self.stopping:
                raise self._gone(f"it ended by itself at {ended:.1f} s{one.said}")

    def _others(self, one: FollowedWorker) -> tuple[FollowedWorker, ...]:
        """Those that are there beside it."""
        return tuple(other for other in self.working if other is not one)

    def _lose(self, one: FollowedWorker, why: str) -> None:
        """Go on without it."""
        one.lost = why = why.removeprefix(_GONE)
        where = f" on node {one.worker.node}" if one.worker.node else ""
        left = things(len(self.working), "load worker")
        self.warn(f"Load worker {one.number}{where} is lost ({why}): {left} of {len(self.followed)} go on.")
        self._keep_workers()

    def _keep_workers(self) -> None:
        self.writer.update(workers=tuple(one.record for one in self.followed))

    async def begin(self, lead_s: float, *, deadline_s: float) -> None:
        """Have all workers, which wait for it, send their first requests at the same time, `lead_s` from when all of
        their clocks are known.

        Raises:
            LoadError: the clock of one of them is not known in time.
            ClusterError: one cannot be told.
        """
        with anyio.move_on_after(deadline_s):
            while not all(one.clock.round_trips for one in self.working):  # noqa: ASYNC110 - round trips tell no event
                await anyio.sleep(_LOOK_S)
            at = self.now() + lead_s
            for one in self.working:
                await one.worker.begin(at - one.clock.shift_s)
            return
        silent = ", ".join(str(one.number) for one in self.working if not one.clock.round_trips)
        raise LoadError(
            f"telling {len(self.followed)} load workers when to begin",
            f"no answer of worker {silent} within {deadline_s:g} s",
            "Several workers are told through the API's proxy to their Pods: may you get pods/proxy, and does a "
            "NetworkPolicy keep the API server from them? One worker alone (load.workers: 1) needs neither.",
        )

    async def stop(self, *, drain_s: float) -> None:
        """Ask the workers to end, and wait until they have and all that they said is taken in, `drain_s` at most.

        Raises:
            ClusterError: one cannot be asked; the call has been repeated for its time.
        """
        await self.ask_to_stop()
        with anyio.move_on_after(drain_s):
            await self.ended.wait()

    async def ask_to_stop(self) -> None:
        """Ask the workers to end, those for which that has not been done.

        Raises:
            ClusterError: one cannot be asked; the call has been repeated for its time.
        """
        self.stopping = True
        async with anyio.create_task_group() as tasks:
            for one in self.working:
                if not one.asked:
                    tasks.start_soon(self._ask, one)

    async def _ask(self, one: FollowedWorker) -> None:
        await one.worker.stop()
        one.asked = True

    async def until_sending(self, *, deadline_s: float = SILENT_S) -> None:
        """Return once all workers that are left are known to be at work: no rollout may go on without load.

        Raises:
            LoadError: the last one has ended, or has told of no second for `deadline_s`.
        """
        start = self.now()
        while not self.ended.is_set():
            now, late = self.now(), [one for one in self.working if not one.is_fresh(self.now())]
            if not late:
                return
            # Counted from here: where this process stood still, what it missed is read first.
            if now - start >= deadline_s:
                seen = [
                    f"nothing has been heard of it since {one.last_sign:.1f} s, for {now - one.last_sign:.0f} s"
                    for one in late
                ]
                if len(late) == len(self.working):
                    raise self._gone(seen[0])
                for one, words in zip(late, seen, strict=True):
                    self._lose(one, words)
                    one.scope.cancel()
                return
            await anyio.sleep(_LOOK_S)
        raise self._gone("it has ended by itself")

    def _gone(self, seen: str) -> LoadError:
        return LoadError(
            "following the load worker",
            f"{_GONE}{seen}",
            "Was it evicted, drained, or stopped by hand?",
        )

    def request(self, one: FollowedWorker, line: bytes) -> None:
        """Take in a line that is no JSON: a row."""
        cells = line.split(b",")
        if len(cells) != len(COLUMNS):  # what a Python or a container prints when it cannot start
            one.complaint = line.decode(errors="replace").strip() or one.complaint
            return
        self.writer.requests([shifted(cells, one.clock.shift_s) if self.own_clock else line])
        if one.first is None:
            one.first = self.now()
        self.count(cells, self.now(), one.clock.shift_s)

    def statistics(self, one: FollowedWorker, line: bytes) -> None:
        """Take in a line of JSON: a second's statistics, or the worker's end."""
        said = parse_line(line.decode(errors="replace"))
        if isinstance(said, Statistics):
            one.heard = now = self.now()
            moment = one.clock.line(now, said.t, sending=one.first is not None) if self.own_clock else said.t
            one.told_until = round(moment, 6)
            self.writer.worker_second(asdict(replace(said, t=one.told_until)))
            if self.own_clock:
                self._keep_clocks()
        if isinstance(said, End):
            one.whole = True
            self.ends = (*self.ends, WorkerEnd(worker=one.number, requests=said.end))
            self.writer.update(ends=self.ends)

    def _keep_clocks(self) -> None:
        """Have run.json say how the workers' clocks stand, at all times: a run that is killed has no end."""
        clocks = self.clocks()
        if len(clocks) != len(self.kept_clocks) or any(map(_differ, clocks, self.kept_clocks)):
            self.writer.update(clocks=clocks)
            self.kept_clocks = clocks

    def clocks(self) -> tuple[WorkerClock, ...]:
        """How the clock of each worker that was heard of stands."""
        return tuple(one.clock.known(one.number) for one in self.followed if one.heard is not None)

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

    async def until_warm(self, calm_s: float, *, deadline_s: float, sent_to: str = "") -> None:
        """Wait until requests succeed and none has failed for `calm_s`. `sent_to`: where to, in words.

        Raises:
            LoadError: that does not come within `deadline_s`; says what the requests came to.
        """
        start = time.monotonic()
        while time.monotonic() - start < deadline_s:
            await anyio.sleep(0.05)
            if self.first is None or not self.outcomes[Outcome.OK.value]:
                continue
            if any(one.first is None for one in self.working):
                continue
            if self.now() - max(self.first, self.last_lost or self.first) >= calm_s:
                return
        raise unsteady(self, deadline_s, sent_to)


def _differ(clock: WorkerClock, kept: WorkerClock) -> bool:
    """Whether it is worth to be written anew."""
    changes_s = clock.offset_s - kept.offset_s, clock.uncertainty_s - kept.uncertainty_s
    return max(map(abs, changes_s)) > _CLOCK_STEP_S
