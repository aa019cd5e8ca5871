"""What is seen and done in a run -> its timeline, on the run's one clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from harness.kube.watch import EventType
from harness.model.observation import MarkType
from harness.observers.heartbeat import Standstill
from harness.runner.watching import Versions
from harness.store.writer import RunWriter


@dataclass(slots=True, kw_only=True)
class Timeline:
    """Of the run that `writer` writes. `t0_ns`: its beginning, by the monotonic clock; `kind`: of the workload, the
    versions of which are kept; `over`: what is seen from now on is no part of the run."""

    writer: RunWriter
    t0_ns: int
    kind: str
    versions: Versions = field(default_factory=Versions)
    over: bool = False

    def now(self) -> float:
        """Seconds since the beginning."""
        return (time.monotonic_ns() - self.t0_ns) / 1e9

    def record(self, kind: str, type_: str, seen: dict[str, Any]) -> None:
        """Take in what a watch shows."""
        if not self.over:  # what the clean-up does to the pods is no part of the run
            now = self.now()
            self.writer.observe(now, kind, type_, seen)
            if kind == self.kind and type_ != EventType.DELETED:
                self.versions.take(now, seen)

    def stood_still(self, found: Standstill) -> None:
        """Take in that this process had no time."""
        if not self.over:
            known = {"start": found.start, "end": found.end, "asleep_s": found.asleep_s}
            self.mark(MarkType.STALL, {name: round(value, 6) for name, value in known.items()})

    def mark(self, type_: MarkType, details: dict[str, Any]) -> float:
        """Say what the harness does now; gives the moment."""
        return self.mark_at(self.now(), type_, details)

    def mark_at(self, t: float, type_: MarkType, details: dict[str, Any]) -> float:
        """The same of another moment."""
        moment = round(t, 6)
        self.writer.observe(moment, "Mark", type_, details)
        return moment
