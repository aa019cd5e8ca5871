"""The kubelet's events of preStop hooks that failed -> which pods stopped as if they had none, and in whose words.

https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/: where a hook fails, the kubelet sends the
event FailedPreStopHook, and the stop signal follows at once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.analysis.observed.lateness import WATCH_S
from harness.model.observation import Observation
from harness.spec.hooks import first_deed
from harness.spec.serving import Port, serving_containers
from harness.spec.stop_commands import stops_server
from harness.spec.termination import grace_period_s
from harness.spec.workload import Object

REASON = "FailedPreStopHook"

_CONTAINER = re.compile(r"spec\.\w+\{(?P<name>.+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedHook:
    """A failure that was told at `t`, of a container (empty where that is not said), with the kubelet's `words`."""

    t: float
    container: str
    words: str

    @classmethod
    def of(cls, event: Observation) -> FailedHook:
        """The one that an event tells of."""
        involved = event.object.get("involvedObject") or event.object.get("regarding") or {}
        named = _CONTAINER.fullmatch(str(involved.get("fieldPath") or ""))
        words = str(event.object.get("message") or event.object.get("note") or "")
        return cls(t=event.t, container=named["name"] if named else "", words=words)


def failed_hook(
    found: Iterable[FailedHook], pod: Object, targets: tuple[Port, ...], deletion: float | None
) -> FailedHook | None:
    """The failure by which a container that serves had no hook to hold it; None without one.

    A hook that was cut off because the grace period was over is reported as failed too, and had held until then; and so
    is one that stops the server, with whose container it ends.
    """
    those = serving_containers(pod, targets)
    if those and all(stops_server(first_deed(container)) for container in those):
        return None
    serving = {container.get("name") for container in those}
    until = math.inf if deletion is None else deletion + grace_period_s(pod) - WATCH_S
    return next((hook for hook in found if hook.t < until and _concerns(hook, serving)), None)


def _concerns(hook: FailedHook, serving: set[Any]) -> bool:
    """Whether it may have been a container's that serves."""
    return not hook.container or not serving or hook.container in serving
