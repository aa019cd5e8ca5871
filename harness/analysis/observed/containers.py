"""A pod's status -> which of its containers have ended, when, and how often they were started again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.observed.lateness import ClusterClock

SIGKILLED = 137
SIGTERMED = 143


@dataclass(frozen=True, slots=True, kw_only=True)
class Containers:
    """What the containers of a pod did, as one event showed it.

    `ended`: the `terminated` states of those that run no more; `before`: those of init containers, native sidecars
    among them, of which `beside` says whether one runs. `last_ends`: of each the end that was last, where there was
    one, be it that it runs again. `over`: the pod is `Succeeded` or `Failed`.
    """

    number: int
    ended: tuple[dict[str, Any], ...]
    before: tuple[dict[str, Any], ...]
    beside: bool
    last_ends: tuple[dict[str, Any], ...]
    restarts: int
    over: bool

    @property
    def all_ended(self) -> bool:
        """Whether there are containers, and none of them runs, nor a native sidecar, which ends after them."""
        return 0 < self.number == len(self.ended) and not self.beside

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
    """Read `containerStatuses` and `initContainerStatuses`."""
    all_of, first = (status.get(key) or () for key in ("containerStatuses", "initContainerStatuses"))
    now, earlier = _ends(all_of, "state"), _ends(all_of, "lastState")
    return Containers(
        number=len(all_of),
        ended=tuple(filter(None, now)),
        before=tuple(filter(None, _ends(first, "state"))),
        beside=any("running" in (container.get("state") or {}) for container in first),
        last_ends=tuple(filter(None, map(_last, now, earlier))),
        restarts=sum(int(container.get("restartCount") or 0) for container in all_of),
        over=status.get("phase") in ("Succeeded", "Failed"),
    )


def _last(now: dict[str, Any], earlier: dict[str, Any]) -> dict[str, Any]:
    return now or earlier


def _ends(of: Sequence[dict[str, Any]], state: str) -> list[dict[str, Any]]:
    """How each of them ended, as its current or its last state has it; empty where that is no end."""
    return [(container.get(state) or {}).get("terminated") or {} for container in of]


def last_finish(
    ends: tuple[dict[str, Any], ...], clock: ClusterClock, *, node: str, until: float = float("inf")
) -> float | None:
    """The latest `finishedAt` that is not after `until`, on the run's clock; None where none can be known."""
    moments = [clock.moment(end.get("finishedAt"), node) for end in ends]
    return max((moment for moment in moments if moment is not None and moment <= until), default=None)
