"""What the API shows of a load worker's Pod that does not run -> why, in words, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.errors import LoadError
from harness.load import Refusal, parse_line

_ANOTHER_IMAGE = "Give --worker-image another: any image with Python 3.11 or newer, such as python:3.13-slim."
_PULL = "Can the nodes pull it? Give --worker-image one that they can: any with Python 3.11 or newer."
_ARCHITECTURE = re.compile(r"exec format error|no match for platform|no matching manifest", re.IGNORECASE)
_NO_PROGRAM = re.compile(r"executable file not found|python3\S*\s.*no such file or directory", re.IGNORECASE)
_PULL_FAILURES = frozenset({"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError"})
_FINAL = frozenset({"InvalidImageName", "ErrImageNeverPull"})


def trouble(tried: str, image: str, status: Mapping[str, Any]) -> LoadError:
    """The error that says why the Pod with this status does not run, or no more."""
    said = "\n".join(detail.get("message") or "" for _, detail in _states(status))
    return told(tried, image, said) or LoadError(tried, state(status), _do(status))


def told(tried: str, image: str, said: str) -> LoadError | None:
    """The same from what the worker itself, or who was to start it, said; None where that means nothing."""
    for line in reversed(said.splitlines()):
        if isinstance(refusal := parse_line(line), Refusal):
            return LoadError(tried, refusal.refused, refusal.do or _ANOTHER_IMAGE)
    if _ARCHITECTURE.search(said):
        seen = f"image {image} is for another processor architecture than the node that it came to"
        return LoadError(tried, seen, _ANOTHER_IMAGE)
    if _NO_PROGRAM.search(said):
        return LoadError(tried, f"image {image} has no python3", _ANOTHER_IMAGE)
    return None


def is_final(image: str, status: Mapping[str, Any]) -> bool:
    """Whether waiting will not mend what holds up the Pod."""
    return any(
        detail.get("reason") in _FINAL or (word == "waiting" and told("", image, detail.get("message") or ""))
        for word, detail in _states(status)
    )


def is_unpulled(status: Mapping[str, Any]) -> bool:
    """Whether its image could not be pulled, for now."""
    return any(word == "waiting" and detail.get("reason") in _PULL_FAILURES for word, detail in _states(status))


def state(status: Mapping[str, Any]) -> str:
    """Where the Pod stands, in Kubernetes' words."""
    if status.get("reason"):  # Evicted, DeadlineExceeded, Preempting, NodeLost
        return f"{status['reason']}: {status.get('message', '')}".strip(": ")
    for word, detail in _states(status):
        exit_code = f"with {detail['exitCode']}" if "exitCode" in detail else ""
        words = (word, detail.get("reason", ""), exit_code, detail.get("message", ""))
        return " ".join(" ".join(filter(None, words)).split())
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"{condition.get('reason', 'not scheduled')}: {condition.get('message', '')}".strip(": ")
    return str(status.get("phase", "Pending"))


def _do(status: Mapping[str, Any]) -> str:
    if is_unpulled(status) or any(detail.get("reason") in _FINAL for _, detail in _states(status)):
        return _PULL
    return ""


def _states(status: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for container in status.get("containerStatuses") or ():
        for word, detail in (container.get("state") or {}).items():
            yield word, detail or {}
