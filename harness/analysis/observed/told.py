"""Pods and their preStop hooks -> from when an answer that names a pod came from one that had been told to stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.analysis.observed.lateness import WATCH_S
from harness.analysis.observed.pods import Life


def told_by_name(pods: Sequence[Life]) -> dict[str, float]:
    """By name, the earliest moment at which a pod may have heard that it is to stop, seconds; of those that nobody
    deleted none, nor of names that several pods had."""
    names = Counter(pod.name for pod in pods)
    return {
        pod.name: pod.deletion + pod.promise.untold_s - WATCH_S
        for pod in pods
        if pod.deletion is not None and names[pod.name] == 1
    }
