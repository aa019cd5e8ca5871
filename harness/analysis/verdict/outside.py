"""Counted windows -> the failures that lie in none, in one sentence: they are in the totals, and nothing else tells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.analysis.observed.observed import Observed
from harness.analysis.observed.windows import OUTSIDE
from harness.analysis.verdict.window_counts import Counted, tally
from harness.model.quantity import things


def outside(seen: Observed, counts: Counted) -> str:
    """What failed before the control window, or between it and the first update; empty where nothing did."""
    failures, control = seen.requests.failures, seen.windows.control
    there = counts.at == OUTSIDE
    if not there.any():
        return ""
    due = failures["scheduled"].to_numpy()
    start = control[0] if control is not None else np.inf
    sides = (
        ("before the control window" if control is not None else "before the first update", there & (due < start)),
        ("between the control window and the first update", there & (due >= start)),
    )
    told = [f"{_failed(seen, which)} {where}" for where, which in sides if which.any()]
    return f"{' and '.join(told)}: in the totals, and for or against no {seen.words.noun}"


def _failed(seen: Observed, which: NDArray[np.bool_]) -> str:
    number = int(which.sum())
    by_outcome = tally(seen.requests.failures["outcome"].filter(which).to_list())
    listed = ", ".join(f"{count} {outcome}" for outcome, count in by_outcome.items())
    return f"{things(number, 'request')} failed ({listed})"
