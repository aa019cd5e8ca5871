"""A StatefulSet, its pods and the step just taken -> the StatefulSet's next status. Pure.

Source: kubernetes `pkg/controller/statefulset/stateful_set_control.go`, `stateful_set_utils.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.controllers import pods as podwise
from harness.sandbox.controllers.statefulsetsteps import revision_of

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.statefulsetsteps import Situation, Step


def status(situation: Situation, step: Step | None) -> Object:
    """The next status; a completed rolling update makes the update revision the current one."""
    old = situation.stateful_set.get("status", {})
    current, update = situation.current["metadata"]["name"], situation.update["metadata"]["name"]
    ready = _ready(situation)
    available = [pod for pod in ready if podwise.is_available(pod, situation.min_ready_s, situation.now_s)]
    counts = _counts(situation, step, len(ready))
    done = counts["updatedReplicas"] == counts["replicas"] == counts["readyReplicas"]
    if situation.rolls and done and not (step and step.create):
        counts["currentReplicas"], current = counts["updatedReplicas"], update
    status: Object = {"observedGeneration": situation.stateful_set["metadata"]["generation"]}
    status |= {key: value for key, value in counts.items() if value or key == "replicas"}
    status |= {"currentRevision": current, "updateRevision": update, "availableReplicas": len(available)}
    status |= {"collisionCount": old.get("collisionCount", 0)}
    return status | ({"conditions": old["conditions"]} if old.get("conditions") else {})


def _counts(situation: Situation, step: Step | None, ready: int) -> dict[str, int]:
    """How many pods there are of each sort; a pod just deleted to be replaced is no longer of its revision."""
    current, update = situation.current["metadata"]["name"], situation.update["metadata"]["name"]
    revisions = [revision_of(pod) for pod in situation.pods if not podwise.is_terminating(pod)]
    replaced = step.delete if step is not None and step.outdated else ()
    return {
        "replicas": len(situation.pods),
        "readyReplicas": ready,
        "currentReplicas": revisions.count(current) - [revision_of(pod) for pod in replaced].count(current),
        "updatedReplicas": revisions.count(update),
    }


def _ready(situation: Situation) -> list[Object]:
    return [pod for pod in situation.pods if podwise.is_ready(pod) and pod["status"].get("phase") == "Running"]
