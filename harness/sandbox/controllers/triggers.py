"""A Service and its pods -> since when their endpoints are to be other than was last written.

Source: kubernetes `staging/src/k8s.io/endpointslice/trigger_time_tracker.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.controllers.pods import condition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Key

TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"


class Triggers:
    """The times of one controller's Services."""

    def __init__(self) -> None:
        self._known: dict[Key, dict[str, str]] = {}

    def fresh(self, key: Key, service: Object, pods: Iterable[Object]) -> str | None:
        """The earliest change of a pod's readiness, or the Service's creation, not yet written; None where none is."""
        known, now = self._known.get(key, {}), {"": service["metadata"]["creationTimestamp"]}
        for pod in pods:
            ready = condition(pod, "Ready")
            if ready is not None and ready.get("lastTransitionTime"):
                now[pod["metadata"]["uid"]] = ready["lastTransitionTime"]
        self._known[key] = now
        return min((stamp for uid, stamp in now.items() if stamp > known.get(uid, "")), default=None)

    def forget(self, key: Key) -> None:
        """Drops what is known of a Service that is gone."""
        self._known.pop(key, None)
