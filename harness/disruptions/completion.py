"""A rollout under way -> awaited until it is complete, or until it is plain that it will not be.

It is given up early where something stands in its way that no waiting removes; what may go by itself is told at once,
and waited for until the Deployment's own progress deadline, or the harness's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio

from harness.disruptions.crashes import Crashes, CrashLoop
from harness.disruptions.last_words import LastWords, Logs, last_words, no_log
from harness.disruptions.obstacle import Obstacle
from harness.disruptions.obstacles import in_words, mends, obstacles
from harness.disruptions.pod_obstacles import condition
from harness.disruptions.workload import Workload, own_pods
from harness.errors import RolloutError
from harness.kube.view import View
from harness.spec.completion import carries_update, is_complete
from harness.spec.rolling import wanted_replicas

Reached = Callable[[View], bool]
"""Whether what is awaited has come."""

Hear = Callable[[tuple[Obstacle, ...]], None]
"""Takes what holds a rollout up, whenever that has changed; nothing, when it holds it up no longer."""

_STANDS_S = 5.0
"""For how long something final must stand: a controller may be about to make the Secret that a pod waits for."""

_STANDS_UNTOLD_S = 9.0
"""For how long where it has been told only once: the kubelet looks again after 10 to 15 s."""

_NEWS_AFTER_S = 5.0
"""What happens in any start is told where it lasts longer: a probe that is asked every 10 s has failed once then."""

_LOOK_S = 1.0
_TIMED_OUT = "ProgressDeadlineExceeded"


def _unheard(_: tuple[Obstacle, ...]) -> None:
    pass


async def until_complete(
    view: View,
    workload: Workload,
    generation: int,
    *,
    deadline_s: float,
    hear: Hear = _unheard,
    logs: Logs = no_log,
    apart_from: frozenset[str] | None = None,
    reached: Reached | None = None,
) -> None:
    """Wait until the API calls the rollout of `generation` complete, as `kubectl rollout status` does, and a
    StatefulSet's pods carry it.

    `reached`: wait for this instead, where nothing is rolled but pods come back or go.

    `logs` gives the last lines of a container's log, to be told with what holds the rollout up. `apart_from`: given
    where nothing else is coming up for which the workload may wait, so that containers which end alike again and again
    end the wait, but for those of these pods (uids).

    Raises:
        RolloutError: it is not within `deadline_s`, or never will be; the error says what holds it up.
    """
    wait = _Wait(view, workload, generation, hear, logs, apart_from, reached)
    while not await wait.is_over():
        left_s = deadline_s - wait.waited_s
        if left_s <= 0:
            raise await wait.error("")
        await view.changed(within_s=min(left_s, _LOOK_S))


class _Wait:
    """One wait: since when, what has stood in the way since when, and how far the rollout has come."""

    def __init__(
        self,
        view: View,
        workload: Workload,
        generation: int,
        hear: Hear,
        logs: Logs,
        apart_from: frozenset[str] | None,
        reached: Reached | None,
    ) -> None:
        self._view, self._workload, self._generation = view, workload, generation
        self._hear, self._words = hear, LastWords(logs)
        self._crashes, self._apart_from = None if apart_from is None else Crashes(), apart_from or frozenset()
        self._reached = reached
        self._start = anyio.current_time()
        self._since: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._heard: frozenset[str] = frozenset()
        self._furthest = self._counts()
        self._got_on = False
        # What an earlier rollout left behind is no news: its controller takes it away when this one gets on.
        self._timed_out_before = self._timed_out()

    @property
    def waited_s(self) -> float:
        """Seconds since its beginning."""
        return anyio.current_time() - self._start

    async def is_over(self) -> bool:
        """Whether the rollout is complete.

        Raises:
            RolloutError: it never will be.
        """
        if self._has_come():
            self._hear_of(())
            return True
        self._note_progress()
        standing = self._standing()
        await self._tell(standing)
        if self._stays(standing):
            raise await self.error("No waiting mends that.")
        if (loop := self._hopeless()) is not None:
            raise await self.error(
                f"It is given up: {loop.where} has ended {loop.ends} times, always with exit code "
                f"{loop.exit_code}, and no {'new ' if self._apart_from else ''}pod of it has been Ready."
            )
        if self._timed_out() not in (None, self._timed_out_before):
            raise await self.error("Its progressDeadlineSeconds are over.")
        return False

    def _has_come(self) -> bool:
        if self._reached is not None:
            return self._reached(self._view)
        found = self._view.named(self._workload.kind, self._workload.name)
        if found is None or not is_complete(found, generation=self._generation):
            return False
        return carries_update(found, own_pods(self._view, self._workload))

    def _standing(self) -> tuple[Obstacle, ...]:
        return obstacles(self._view, self._workload, rolls=self._reached is None)

    def _stays(self, standing: tuple[Obstacle, ...]) -> bool:
        """Whether something stands in the way for good: known at once, or told twice, and not only for a moment."""
        now = anyio.current_time()
        self._since = {o.where: self._since.get(o.where, now) for o in standing if o.final}
        return any(
            o.certain or now - self._since[o.where] >= (_STANDS_S if o.is_sure else _STANDS_UNTOLD_S)
            for o in standing
            if o.final
        )

    def _hopeless(self) -> CrashLoop | None:
        if self._crashes is None:
            return None
        pods = own_pods(self._view, self._workload)
        self._crashes.look(pod for pod in pods if pod["metadata"]["uid"] not in self._apart_from)
        # What a new pod lacks an old one may have until it has gone, such as a lock.
        leaving = any("deletionTimestamp" in pod["metadata"] for pod in pods)
        return None if leaving else self._crashes.hopeless

    async def error(self, why: str) -> RolloutError:
        """The error that says how long was waited, what was seen, and what to do."""
        standing = self._standing()
        if standing:
            do = f"{why} {mends(standing)}".strip()
        elif self._got_on and not why:
            do = "Raise rollout_timeout: its pods were getting on."
        else:
            do = f"{why} See what the API tells of it: kubectl describe {self._workload}.".strip()
        awaited = "be rolled out" if self._reached is None else "have its pods"
        over = "" if why else f"its time of {self.waited_s:.0f} s was over; "
        error = RolloutError(
            f"waiting {self.waited_s:.0f} s for {self._workload} to {awaited}",
            f"{over}the last state seen was: {described(self._view, self._workload, rolls=self._reached is None)}",
            do,
        )
        error.details = last_words(await self._words.added(standing))
        return error

    async def _tell(self, standing: tuple[Obstacle, ...]) -> None:
        """Have people hear of what is new: told often enough, or there for longer than in any start."""
        now = anyio.current_time()
        self._seen = {o.same: self._seen.get(o.same, now) for o in standing}
        news = tuple(o for o in standing if o.is_news or now - self._seen[o.same] >= _NEWS_AFTER_S)
        if not news or {o.same for o in news} - self._heard:
            self._hear_of(await self._words.added(news))

    def _hear_of(self, news: tuple[Obstacle, ...]) -> None:
        heard = frozenset(o.same for o in news)
        if heard != self._heard:
            self._heard = heard
            self._hear(news)

    def _note_progress(self) -> None:
        """Progress is as the Deployment controller has it (DeploymentProgressing), and a StatefulSet's likewise."""
        counts = self._counts()
        self._got_on = self._got_on or any(now > before for now, before in zip(counts, self._furthest, strict=True))
        self._furthest = tuple(map(max, counts, self._furthest))

    def _counts(self) -> tuple[int, ...]:
        found = self._view.named(self._workload.kind, self._workload.name) or {}
        status = found.get("status") or {}
        updated = int(status.get("updatedReplicas") or 0)
        old = int(status.get("replicas") or 0) - updated
        return updated, -old, int(status.get("readyReplicas") or 0), int(status.get("availableReplicas") or 0)

    def _timed_out(self) -> str | None:
        """When the Deployment's progress deadline was found to be over; None where it is not."""
        found = self._view.named(self._workload.kind, self._workload.name) or {}
        for each in (found.get("status") or {}).get("conditions") or ():
            if each.get("type") == "Progressing" and each.get("reason") == _TIMED_OUT:
                return str(each.get("lastUpdateTime") or each.get("lastTransitionTime") or "")
        return None


def described(view: View, workload: Workload, *, rolls: bool = True) -> str:
    """How far a rollout is, and what holds it up: for people."""
    found = view.named(workload.kind, workload.name)
    if found is None:
        return f"{workload} is gone"
    status, wanted = found.get("status") or {}, wanted_replicas(found["spec"])
    updated, available = (int(status.get(field) or 0) for field in ("updatedReplicas", "availableReplicas"))
    counts = f"{updated} of {wanted} pods updated, {available} available"
    old = int(status.get("replicas") or 0) - updated
    if updated == wanted and old > 0:
        counts += f", {old} old not told to go yet"
    standing = obstacles(view, workload, rolls=rolls)
    rest = [] if standing else [said for pod in own_pods(view, workload) if (said := _unready(pod))]
    return "; ".join(filter(None, [counts, in_words(standing), *rest]))


def _unready(pod: dict[str, Any]) -> str:
    """That a pod is not Ready, where nothing tells why."""
    ready = condition(pod, "Ready")
    if "deletionTimestamp" in pod["metadata"] or ready.get("status", "True") == "True":
        return ""
    return f"{pod['metadata']['name']}: not Ready ({ready.get('message') or ready.get('reason') or '?'})"
