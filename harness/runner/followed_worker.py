"""One load worker of a run -> what is known of it: its clock, its last signs, its end, and whether it was lost."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio

from harness.clusters.cluster import Worker
from harness.model.run import LoadWorker
from harness.runner.worker_clock import ClockEstimate

FRESH_S = 3.0
"""A worker tells of every second: one of which nothing was heard for so long may not be sending."""


@dataclass(slots=True)
class FollowedWorker:
    """A worker by its number. All times are on the run's clock.

    `first`: when its first request was heard of. `heard`: when the last second that it told of was heard of, and
    `told_until`: the end of that second. `whole`: its last line has come. `lost`: why nothing more comes of it, though
    others go on.
    """

    number: int
    worker: Worker
    clock: ClockEstimate = field(default_factory=ClockEstimate)
    first: float | None = None
    heard: float | None = None
    told_until: float = 0.0
    whole: bool = False
    over: bool = False  # nothing more comes of it
    asked: bool = False  # to end
    complaint: str = ""  # the last line that was neither a row nor statistics
    lost: str = ""
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)  # of those who follow it

    @property
    def last_sign(self) -> float:
        """When it was last heard of; 0 where it never was."""
        return self.heard if self.heard is not None else (self.first or 0.0)

    @property
    def said(self) -> str:
        """Its last words, in brackets; empty where it had none."""
        return f" ({self.complaint})" if self.complaint else ""

    def is_fresh(self, now: float) -> bool:
        """Whether it is known to be at work."""
        return not self.whole and now - self.last_sign <= FRESH_S

    @property
    def record(self) -> LoadWorker:
        """As run.json has it."""
        lost_at = self.told_until if self.lost else None
        return LoadWorker(worker=self.number, node=self.worker.node, lost_at=lost_at, why=self.lost or None)
