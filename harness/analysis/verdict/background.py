"""Requests and causes in and outside of rollouts -> the application's failures while nothing was done, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.explained import Explained
from harness.analysis.causes.intervals import frozen
from harness.analysis.causes.row import Fault, Flag
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.windows import CONTROL
from harness.analysis.statistics import P_VALUE, visible_excess
from harness.analysis.verdict.window_counts import Counted
from harness.model.deed_words import DeedWords
from harness.model.quantity import things
from harness.model.result import Cause, Window

APPLICATION = (Cause.APPLICATION, Cause.BACKEND_CLOSE)
"""The causes of what is the application's fault; a new version can make each of them more frequent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """The application's failures while nothing was done, and those that a network's losses explain.

    `requests` were due in the control window, or between a rollout's having settled and the next update; `failed` of
    them did so by the application. `lost`: per failure of the run, whether nobody answered it in time, and chance
    explains that.
    """

    requests: int
    failed: int
    lost: NDArray[np.bool_]

    def __post_init__(self) -> None:
        frozen(self.lost)

    @property
    def shown(self) -> bool:
        """Whether there is one. What was not seen to fail by itself may still do so, but nobody has shown it."""
        return self.failed > 0


def failed_by_application(window: Window | None) -> int:
    """How many requests of a window the application failed by itself."""
    return 0 if window is None else sum(window.by_cause.get(cause, 0) for cause in APPLICATION)


def shown_background(seen: Observed, why: Explained) -> Background:
    """Count what came while nothing was done: after the last rollout that shows no background, for what fails there may
    have come with it."""
    control = [seen.windows.control] if seen.windows.control is not None else []
    rolled = [(span.settled, span.end) for span in seen.windows.rollouts[:-1] if span.settled is not None]
    quiet = [(settled + why.plane.longest_lag_s, end) for settled, end in rolled]
    spans = [*control, *quiet]
    application = why.causes.by(lambda row: row.fault == Fault.APPLICATION)
    failed = seen.requests.failures["scheduled"].to_numpy()[application]
    return Background(
        requests=_number(seen.requests.frame["scheduled"].to_numpy(), spans),
        failed=_number(failed, spans),
        lost=application & why.failures.flags[Flag.CHANCE],
    )


def _number(moments: NDArray[np.float64], spans: list[tuple[float, float]]) -> int:
    """How many of the moments lie in one of the spans, which do not overlap."""
    ascending = np.sort(moments)  # nearly sorted already: a million take some ten milliseconds
    starts, ends = (np.searchsorted(ascending, [span[side] for span in spans]) for side in (0, 1))
    return int(np.maximum(ends - starts, 0).sum())


def background(counts: Counted, quiet: Background, words: DeedWords) -> tuple[str, str]:
    """The application's failures in rollouts that count against none: in a few words, and in a sentence; empty where
    there were none. `words`: those for what was done."""
    windows = [window for position, window in counts.windows.items() if position != CONTROL]
    control = counts.windows.get(CONTROL)
    failed = sum(failed_by_application(window) for window in windows)
    requests = sum(window.requests for window in windows)
    if not failed or not requests or control is None:
        return "", ""
    if not quiet.shown:
        lost = "1 was" if failed == 1 else f"{failed} were"
        return "but for what a network loses", (
            f"of {things(requests, 'request')} {lost} lost alone among good ones, as packets are; of "
            f"{quiet.requests:,} outside of {words.plural} none was"
        )
    before = failed_by_application(control)
    extra = visible_excess(requests, before, control.requests, failed)
    rate = requests / max(1e-9, sum(window.end - window.start for window in windows))
    return "above the background", (
        f"seamless above a background of {100 * failed / requests:.2g} % (an outage of {extra / rate:.1f} s in all "
        f"would still have shown, p < {P_VALUE})"
    )
