"""A budget and the rollouts of a result -> what of it was spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.model.budget import Spent
from harness.model.result import RolloutFindings


def spent(limits: Mapping[str, float], rollouts: Sequence[RolloutFindings]) -> tuple[Spent, ...]:
    """Each limit with what was measured; without any rollout nothing was."""
    return tuple(
        Spent(name=name, limit=limit, measured=_MEASURED[name](rollouts) if rollouts else None)
        for name, limit in limits.items()
    )


def _failed(rollouts: Sequence[RolloutFindings]) -> float:
    return float(sum(one.window.failed for one in rollouts))


def _failed_ratio(rollouts: Sequence[RolloutFindings]) -> float | None:
    requests = sum(one.window.requests for one in rollouts)
    return _failed(rollouts) / requests if requests else None


def _outage(rollouts: Sequence[RolloutFindings]) -> float:
    return max((outage.end - outage.start for one in rollouts for outage in one.outages), default=0.0)


def _p99_during(rollouts: Sequence[RolloutFindings]) -> float | None:
    latencies = [one.window.latency for one in rollouts]
    known = [latency.p99_ms / 1000 for latency in latencies if latency is not None]
    return max(known) if len(known) == len(latencies) else None


def _rollout(rollouts: Sequence[RolloutFindings]) -> float | None:
    """None where one did not complete: how long it would have taken is not known."""
    lengths = [one.complete - one.update for one in rollouts if one.complete is not None]
    return max(lengths) if len(lengths) == len(rollouts) else None


_MEASURED: dict[str, Callable[[Sequence[RolloutFindings]], float | None]] = {
    "failed": _failed,
    "failed_ratio": _failed_ratio,
    "outage": _outage,
    "p99_during": _p99_during,
    "rollout": _rollout,
}
