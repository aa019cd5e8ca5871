"""A pod's status -> which of its containers have ended, when, and how often they were started again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.analysis.observed.lateness import ClusterClock

SIGKILLED = 137
SIGTERMED = 143


@dataclass(frozen=True, slots=True, kw_only=True)
class Containers:
    """What the containers of a pod did, as one event showed it.

    `ended`: the `terminated` states of those that run no more. `last_ends`: of each the end that was last, where there
    was one, be it that it runs again. `over`: the pod is `Succeeded` or `Failed`.
    """

    number: int
    ended: tuple[dict[str, Any], ...]
    last_ends: tuple[dict[str, Any], ...]
    restarts: int
    over: bool

    @property
    def all_ended(self) -> bool:
        """Whether there are containers, and none of them runs."""
        return 0 < self.number == len(self.ended)

    @property
    def killed(self) -> bool:
        """Whether one had to be killed."""
        return any(end.get("exitCode") == SIGKILLED for end in self.ended)

    @property
    def failed(self) -> tuple[dict[str, Any], ...]:
        """The ends of those that failed by themselves: no stop signal ends a program so, but by its own will."""
        stopped = (0, SIGTERMED, SIGKILLED)
        return tuple(
            end for end in self.ended if end.get("exitCode") not in stopped or end.get("reason") == "OOMKilled"
        )


def ending_words(ends: Iterable[dict[str, Any]]) -> str:
    """By what the last of these ended, as the kubelet has it.

    >>> ending_words([{"exitCode": 0}, {"exitCode": 3, "reason": "Error"}]), ending_words([{"reason": "OOMKilled"}])
    ('exit code 3', 'OOMKilled')
    """
    end: dict[str, Any] = next(
        (end for end in reversed([*ends]) if end.get("exitCode") or end.get("reason") == "OOMKilled"), {}
    )
    if end.get("reason") == "OOMKilled":
        return "OOMKilled"
    return f"exit code {end['exitCode']}" if end.get("exitCode") is not None else ""


def containers(status: dict[str, Any]) -> Containers:
    """Read `containerStatuses`."""
    all_of = status.get("containerStatuses") or ()
    ended, last_ends, restarts = [], [], 0
    for container in all_of:
        restarts += int(container.get("restartCount") or 0)
        now = (container.get("state") or {}).get("terminated")
        if now is not None:
            ended.append(now)
        if last := now or (container.get("lastState") or {}).get("terminated"):
            last_ends.append(last)
    return Containers(
        number=len(all_of),
        ended=tuple(ended),
        last_ends=tuple(last_ends),
        restarts=restarts,
        over=status.get("phase") in ("Succeeded", "Failed"),
    )


def last_finish(
    ends: tuple[dict[str, Any], ...], clock: ClusterClock, *, node: str, until: float = float("inf")
) -> float | None:
    """The latest `finishedAt` that is not after `until`, on the run's clock; None where none can be known."""
    moments = [clock.moment(end.get("finishedAt"), node) for end in ends]
    return max((moment for moment in moments if moment is not None and moment <= until), default=None)
