"""Attributed failures and counted windows -> the account of each rollout: what it answers for, and what is in doubt."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.explained import Explained
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.windows import CONTROL
from harness.analysis.statistics import P_VALUE, excess
from harness.analysis.verdict.attribution import Attribution
from harness.analysis.verdict.doubts import incomplete
from harness.analysis.verdict.other_endings import endings_by_others
from harness.analysis.verdict.other_failures import failures_of_others
from harness.analysis.verdict.verdict import RolloutAccount
from harness.analysis.verdict.window_counts import Counted, tally
from harness.model.result import Cause, Window


def accounts(seen: Observed, why: Explained, charged: Attribution, counts: Counted) -> tuple[RolloutAccount, ...]:
    """What counts for and against each rollout, in their order."""
    unexplained = why.causes.by(lambda row: row.unexplained)
    due = seen.windows.positions(seen.requests.failures["scheduled"].to_numpy())
    return tuple(
        _account(seen, why, charged, counts, position, unexplained, due)
        for position in range(len(seen.windows.rollouts))
    )


def _account(
    seen: Observed,
    why: Explained,
    charged: Attribution,
    counts: Counted,
    position: int,
    unexplained: NDArray[np.bool_],
    due: NDArray[np.int64],
) -> RolloutAccount:
    span, window, control = seen.windows.rollouts[position], counts.windows[position], counts.windows.get(CONTROL)
    own = charged.of(position)
    strange = endings_by_others(seen, why, position)
    more = _more_than_before(
        int((unexplained & (due == position)).sum()), window, int((unexplained & (due == CONTROL)).sum()), control
    )
    return RolloutAccount(
        rollout=span.rollout,
        own_failures=int(own.sum()),
        unexplained=more and not strange and not _explained(window.by_cause) and not seen.load.why,
        doubts=(
            *incomplete(seen, why.plane, span),
            *strange,
            *failures_of_others(seen, why, position, counts, tally(list(why.causes.cause[own]))),
        ),
    )


def _more_than_before(unknown: int, window: Window, before: int, control: Window | None) -> bool:
    """Whether a rollout's window has more failures without a cause than chance makes of the control window's rate."""
    return excess(unknown, window.requests, before, control.requests if control else 0) < P_VALUE


def _explained(by_cause: Mapping[str, int]) -> bool:
    """Whether something else that was shown accounts for failures without a cause."""
    return bool(by_cause.get(Cause.STALE_CONNTRACK) or by_cause.get(Cause.LOAD_GENERATOR))
