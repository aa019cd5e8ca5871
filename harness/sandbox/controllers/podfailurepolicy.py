"""A Job's podFailurePolicy and a failed pod of it -> what the first rule that fits says is to be done.

Source: kubernetes `pkg/controller/job/pod_failure_policy.go`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.sandbox.apiclient import Object

FAIL_JOB, FAIL_INDEX, IGNORE, COUNT = "FailJob", "FailIndex", "Ignore", "Count"


@dataclass(frozen=True, slots=True)
class Ruled:
    """What is to be done about a pod's failure, and why, in Kubernetes' words."""

    action: str
    why: str


def ruled(job: Object, pod: Object) -> Ruled | None:
    """What the Job's policy says of this failure; None where no rule fits: then it counts as any other."""
    for index, rule in enumerate((job["spec"].get("podFailurePolicy") or {}).get("rules") or ()):
        action, metadata = rule["action"], pod["metadata"]
        name, ending = f"{metadata['namespace']}/{metadata['name']}", f"matching {action} rule at index {index}"
        if "onExitCodes" in rule:
            for container, code in _exit_codes(pod, rule["onExitCodes"]):
                return Ruled(action, f"Container {container} for pod {name} failed with exit code {code} {ending}")
        else:
            for kind in _conditions(pod, rule.get("onPodConditions") or []):
                return Ruled(action, f"Pod {name} has condition {kind} {ending}")
    return None


def _exit_codes(pod: Object, wanted: Object) -> Iterator[tuple[str, int]]:
    """The containers that ended with an exit code that is meant; 0, a success, is never meant."""
    status = pod.get("status", {})
    for container in (*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ())):
        ended = (container.get("state") or {}).get("terminated")
        if ended is None or wanted.get("containerName") not in (None, container["name"]):
            continue
        code = int(ended["exitCode"])
        if code and (code in wanted["values"]) == (wanted["operator"] == "In"):
            yield container["name"], code


def _conditions(pod: Object, patterns: list[Object]) -> Iterator[str]:
    """The types of the pod's conditions that are meant."""
    meant = {(pattern["type"], pattern["status"]) for pattern in patterns}
    for condition in pod.get("status", {}).get("conditions") or ():
        if (condition["type"], condition["status"]) in meant:
            yield condition["type"]
