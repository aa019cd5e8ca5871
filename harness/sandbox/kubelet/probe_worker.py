"""Attempts of a probe, one after the other -> the container's startup, readiness or liveness.

Source: pkg/kubelet/prober/worker.go: initialDelaySeconds, periodSeconds, thresholds, and what counts before the first
result (readiness: failure; liveness: success; startup: unknown).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import anyio

from harness.sandbox.kubelet.prober import ProbeResult, listens, probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.kubelet.container import Container
    from harness.sandbox.kubelet.records import Object

# From a started container to its first probe a kubelet needs 10 to 45 ms in recordings of 1.36.
FIRST_PROBE_AFTER_S = 0.03


class ProbeType(StrEnum):
    """The three probes, as events spell them."""

    STARTUP = "Startup"
    READINESS = "Readiness"
    LIVENESS = "Liveness"


@dataclass(frozen=True, slots=True)
class Streak:
    """How many attempts in a row had the same result, and what the probe says of the container by now."""

    result: bool | None
    last_ok: bool | None = None
    run: int = 0

    def after(self, ok: bool, probe: Object) -> Streak:
        """The streak with one more attempt; the result changes when the threshold is reached.

        >>> Streak(result=True).after(False, {"failureThreshold": 2}).result
        True
        >>> Streak(result=True).after(False, {"failureThreshold": 2}).after(False, {"failureThreshold": 2}).result
        False
        """
        run = self.run + 1 if ok == self.last_ok else 1
        threshold = probe.get("successThreshold", 1) if ok else probe.get("failureThreshold", 3)
        return Streak(ok if run >= threshold else self.result, ok, run)


def before_first(kind: ProbeType) -> Streak:
    """What holds until a probe has a result."""
    return Streak({ProbeType.READINESS: False, ProbeType.LIVENESS: True, ProbeType.STARTUP: None}[kind])


class ProbeWorker:
    """Runs one probe of one running container until it is cancelled."""

    def __init__(
        self,
        kind: ProbeType,
        container: Object,
        running: Container,
        *,
        changed: Callable[[ProbeType, bool], None],
        failed: Callable[[ProbeType, ProbeResult], None],
        answered: Callable[[ProbeType, str], None] | None = None,
    ) -> None:
        """`answered`: hears once, of a stand-in, that a command of the real image could not be run for the probe."""
        self._kind, self._container, self._running = kind, container, running
        self._changed, self._failed, self._answered = changed, failed, answered
        self._in_vain = False
        self._probe: Object = container[f"{kind.lower()}Probe"]
        self._now = anyio.Event()

    def trigger(self) -> None:
        """Lets the next attempt be made at once: a sync found the container not ready."""
        if not self._probe.get("initialDelaySeconds"):
            self._now.set()

    async def run(self) -> None:
        """Probes at the probe's period, from its initial delay on."""
        period_s = float(self._probe.get("periodSeconds", 10))
        streak = before_first(self._kind)
        due = anyio.current_time() + max(FIRST_PROBE_AFTER_S, float(self._probe.get("initialDelaySeconds", 0)))
        while True:
            with anyio.CancelScope(deadline=due):
                await self._now.wait()
            self._now = anyio.Event()
            seen = await self._attempt()
            while due <= anyio.current_time():
                due += period_s
            before, streak = streak, streak if seen.errored else streak.after(seen.ok, self._probe)
            if not seen.ok:
                self._failed(self._kind, seen)
            if streak.result is not None and streak.result != before.result:
                self._changed(self._kind, streak.result)

    async def _attempt(self) -> ProbeResult:
        timeout_s = float(self._probe.get("timeoutSeconds", 1))
        if self._in_vain:
            return await listens(self._container, self._running, timeout_s)
        seen = await probe(self._probe, self._container, self._running, timeout_s)
        if seen.ok or self._answered is None or "exec" not in self._probe:
            return seen
        self._in_vain = True
        self._answered(self._kind, seen.message.strip())
        return await listens(self._container, self._running, timeout_s)
