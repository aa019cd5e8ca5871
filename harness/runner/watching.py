"""A workload that somebody else rolls -> rollouts with their marks, begun and ended by its own generation and template.

Nothing is changed. A change in the middle of a rollout (a colleague deploys again, the deployer corrects itself) goes
on with it: it is one rollout until the pods of the newest template are there and all others gone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import anyio

from harness.disruptions.changed import Object, by_whom, generation, is_rolled
from harness.disruptions.completion import Hear
from harness.disruptions.obstacles import obstacles
from harness.disruptions.rolling_update import is_settled
from harness.disruptions.stage import present
from harness.disruptions.workload import Workload
from harness.errors import NothingRolled
from harness.kube.view import View
from harness.model.duration import duration
from harness.model.observation import MarkType
from harness.model.progress import Phase
from harness.model.quantity import things
from harness.model.run import RolloutMarks
from harness.model.watch_settings import Watch
from harness.runner.abort import Exceeded
from harness.runner.load_session import LoadSession
from harness.runner.quiet import CAP_S
from harness.spec.completion import is_complete
from harness.store.writer import RunWriter

LEAD_S = 1.0
"""A watch tells of a change after it was made; what the change causes may come before that."""

_LOOK_S = 1.0


@dataclass(slots=True)
class Versions:
    """When the watch first showed each version of the workload's spec, on the run's clock."""

    _shown: list[tuple[float, Object]] = field(default_factory=list)

    def take(self, t: float, shown: Object) -> None:
        """Take in one event of the workload."""
        if not self._shown or _version(self._shown[-1][1]) != _version(shown):
            self._shown.append((t, shown))

    def rolled(self, before: Object) -> tuple[float, Object] | None:
        """The first version since `before` that is rolled out in its place, and when it was shown."""
        known = [_version(shown) for _, shown in self._shown]
        start = known.index(_version(before)) + 1 if _version(before) in known else 0
        return next(((t, shown) for t, shown in self._shown[start:] if is_rolled(before, shown)), None)


def _version(workload: Object) -> tuple[str, int]:
    return str(workload["metadata"].get("uid")), generation(workload)


@dataclass(slots=True, kw_only=True)
class Watched:
    """The rollouts that others make, as `rollouts.Rollouts` are those of a scenario's own.

    `original`: the workload as it is at rest, before any of them. `mark_at` writes a mark at a time that may have been.
    `finish_s`: how long a rollout that is under way when the time is over may take to end.
    """

    workload: Workload
    settings: Watch
    view: View
    versions: Versions
    load: LoadSession
    writer: RunWriter
    mark_at: Callable[[float, MarkType, dict[str, Any]], float]
    phase: Callable[[Phase, int | None], None]
    hear: Hear
    quiet_s: float
    finish_s: float
    original: Object

    async def run(self, _: object = None) -> None:
        """Those that begin in the time, or as many as are waited for.

        Raises:
            NothingRolled: none came, or fewer than were waited for.
            RolloutError: the workload is gone.
            LoadError: the load worker is gone.
        """
        end = anyio.current_time() + self.settings.for_s
        until, seen, before = self.settings.until_rollouts or math.inf, 0, self.original
        while seen < until:
            self.phase(Phase.WATCHING, None)
            begun = await self._next(before, end)
            if begun is None:
                break
            before = await self._one(seen, *begun, deadline=end + self.finish_s)
            seen += 1
        present(self.view, self.workload)
        await self.load.until_sending()
        if not seen or seen < (self.settings.until_rollouts or 0):
            raise self._too_few(seen)

    async def _next(self, before: Object, end: float) -> tuple[float, Object] | None:
        """The next rollout, once it has begun; None where none does until the end."""
        while (left_s := end - anyio.current_time()) > 0:
            if (begun := self.versions.rolled(before)) is not None:
                return begun
            await self.view.changed(within_s=min(left_s, _LOOK_S))
        return None

    async def _one(self, rollout: int, shown_at: float, begun: Object, *, deadline: float) -> Object:
        """One of them to its end and its quiet time, or to the deadline; gives the workload as it is then."""
        self.phase(Phase.ROLLING, rollout)
        details: dict[str, Any] = {
            "rollout": rollout,
            "disruption": "watch",
            "generation": generation(begun),
            "by": by_whom(begun),
        }
        settled = max((one.settled or one.update for one in self.writer.info.rollouts), default=0.0)
        update = self.mark_at(max(settled, shown_at - LEAD_S), MarkType.UPDATE, details)
        self._keep(marks := RolloutMarks(rollout=rollout, update=update, by=details["by"]))
        now = begun
        while (complete := await self._until(self._is_complete, deadline)) is not None:
            now, done = complete, {"rollout": rollout, "generation": generation(complete)}
            self._keep(marks := replace(marks, complete=self.mark_at(self.load.now(), MarkType.COMPLETE, done)))
            self.phase(Phase.SETTLING, rollout)
            if await self._until(self._is_settled_or_changed(now), deadline) is None:
                break
            if self.versions.rolled(now) is None:
                self._keep(replace(marks, settled=self.mark_at(self.load.now(), MarkType.SETTLED, done)))
                self.phase(Phase.QUIET, rollout)
                await self._quiet(now)
                break
            self.phase(Phase.ROLLING, rollout)
        return now

    async def _until(self, holds: Callable[[Object], bool], deadline: float) -> Object | None:
        """The workload, once that holds of it; None where it does not in time. What stands in the way is told."""
        while (left_s := deadline - anyio.current_time()) > 0:
            now = self.view.named(self.workload.kind, self.workload.name)
            if now is not None and holds(now):
                self.hear(())
                return now
            self.hear(tuple(o for o in obstacles(self.view, self.workload) if o.is_news))
            await self.view.changed(within_s=min(left_s, _LOOK_S))
        return None

    def _is_complete(self, now: Object) -> bool:
        return not now["spec"].get("paused") and is_complete(now)

    def _is_settled_or_changed(self, complete: Object) -> Callable[[Object], bool]:
        def holds(_: Object) -> bool:
            return is_settled(self.view, self.workload) or self.versions.rolled(complete) is not None

        return holds

    async def _quiet(self, now: Object) -> None:
        """The quiet time, which the next rollout ends."""

        async def quiet() -> None:
            await self.load.until_quiet(self.quiet_s, cap_s=CAP_S)
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(quiet)
            while self.versions.rolled(now) is None:
                await self.view.changed(within_s=_LOOK_S)
            tasks.cancel_scope.cancel()

    def _too_few(self, seen: int) -> NothingRolled:
        until = self.settings.until_rollouts
        came = f"{things(seen, 'rollout')} of {until}" if seen else "no rollout"
        return NothingRolled(
            f"watching {self.workload} for {duration(self.settings.for_s)}",
            f"{came} began: its pod template did not change" if not seen else f"{came} began",
            "Deploy meanwhile, or watch for longer.",
        )

    async def abort(self, found: Exceeded) -> str:
        """Nothing is to be taken back."""
        self.mark_at(self.load.now(), MarkType.ABORT, asdict(found))
        return f"Nothing of {self.workload} was changed by this run."

    def _keep(self, marks: RolloutMarks) -> None:
        others = tuple(known for known in self.writer.info.rollouts if known.rollout != marks.rollout)
        self.writer.update(rollouts=(*others, marks))
