"""The new pods of a workload, as the watch shows them -> how often one of their containers has ended alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.disruptions.container_status import Pod, ended, ends, statuses, uid, where
from harness.disruptions.pod_obstacles import condition
from harness.spec.readiness import is_probed

ENDS_ALIKE = 4
"""After so many ends with the same exit code, and no new pod that was ever Ready, a start is given up: the first and
three restarts, which the kubelet's back-off of 10 s and 20 s spreads over half a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashLoop:
    """A container that has ended `ends` times, always with the same exit code."""

    where: str
    ends: int
    exit_code: int


class Crashes:
    """What has been seen of the ends of the containers of a workload's new pods."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], set[int]] = {}
        self._has_been_ready = False
        self._loop: CrashLoop | None = None

    def look(self, pods: Iterable[Pod]) -> None:
        """Take in the pods as they are now."""
        self._loop, any_ready = None, False
        for pod in pods:
            if condition(pod, "Ready").get("status") == "True":
                any_ready = True
                # Without a probe a pod is Ready as soon as its program runs, which says nothing of what follows.
                self._has_been_ready = self._has_been_ready or is_probed(pod.get("spec") or {})
            for status in statuses(pod):
                over = ended(status)
                if "exitCode" not in over:
                    continue
                codes = self._codes.setdefault((uid(pod), str(status.get("name"))), set())
                codes.add(int(over["exitCode"]))
                if len(codes) == 1 and ends(status) >= ENDS_ALIKE:
                    self._loop = CrashLoop(where=where(pod, status), ends=ends(status), exit_code=min(codes))
        if any_ready:
            self._loop = None

    @property
    def hopeless(self) -> CrashLoop | None:
        """A container that ends whenever it is started, where no new pod has ever been Ready; None without."""
        return None if self._has_been_ready else self._loop
