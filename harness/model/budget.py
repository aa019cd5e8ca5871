"""What the rollouts of a run may cost, and what they did: beside the verdict, which stays what it is."""

from __future__ import annotations

from dataclasses import dataclass

LIMITS = {
    "failed": "failed requests, of all rollouts together",
    "failed_ratio": "share of the requests during rollouts that failed, such as 0.1%",
    "outage": "the longest interval without a success on one stream",
    "p99_during": "the 99th percentile of the latency during the worst rollout",
    "rollout": "from the update to completion, of the slowest rollout",
}
"""By name, as an experiment, `--budget` and the pytest fixture say it. Times are in seconds, a ratio from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """One limit and what was measured of it; None: it could not be measured."""

    name: str
    limit: float
    measured: float | None

    @property
    def exceeded(self) -> bool:
        """Whether more was spent than the budget allows."""
        return self.measured is not None and self.measured > self.limit
