"""Counted windows -> the failures that came with and without rollouts, in words."""

from __future__ import annotations

from harness.analysis.observed.windows import CONTROL
from harness.analysis.statistics import P_VALUE, visible_excess
from harness.analysis.verdict.window_counts import Counted
from harness.model.result import Cause


def background(counts: Counted) -> str:
    """The failures that came with and without rollouts, in words; empty where there were none."""
    windows = [window for position, window in counts.windows.items() if position != CONTROL]
    control = counts.windows.get(CONTROL)
    failed = sum(window.by_cause.get(Cause.APPLICATION, 0) for window in windows)
    requests = sum(window.requests for window in windows)
    if not failed or not requests or control is None:
        return ""
    before = control.by_cause.get(Cause.APPLICATION, 0)
    extra = visible_excess(requests, before, control.requests, failed)
    rate = requests / max(1e-9, sum(window.end - window.start for window in windows))
    return (
        f"above a background of {100 * failed / requests:.2g} % (an outage of {extra / rate:.1f} s in all would still "
        f"have shown, p < {P_VALUE})"
    )
