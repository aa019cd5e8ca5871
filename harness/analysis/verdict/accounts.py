"""Attributed failures and counted windows -> the account of each rollout: what it answers for, and what is in doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.explained import Explained
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.windows import CONTROL
from harness.analysis.statistics import excess
from harness.analysis.verdict.attribution import Attribution
from harness.analysis.verdict.background import Background
from harness.analysis.verdict.doubts import incomplete
from harness.analysis.verdict.new_version import corrected
from harness.analysis.verdict.other_endings import Ending, endings, endings_by_others
from harness.analysis.verdict.other_failures import failures_of_others
from harness.analysis.verdict.strangers import by_strangers, leavings, stranger_left
from harness.analysis.verdict.verdict import RolloutAccount
from harness.analysis.verdict.window_counts import Counted, tally
from harness.model.result import Cause, Window

SPAN_S = 0.2
"""The unit in which failures without a cause are counted: losses come in bursts, so a request says little by itself."""


def accounts(
    seen: Observed, why: Explained, charged: Attribution, counts: Counted, quiet: Background
) -> tuple[RolloutAccount, ...]:
    """What counts for and against each rollout, in their order."""
    unexplained = why.causes.by(lambda row: row.unexplained)
    scheduled = seen.requests.failures["scheduled"].to_numpy()[unexplained]
    lefts = leavings(seen)
    found = _Found(
        label=why.causes.label,
        unexplained=_spans(seen.windows.positions(scheduled), scheduled),
        endings=endings(seen, why),
        lefts=lefts,
        strange=np.sort(why.failures.sent[by_strangers(why, lefts, why.failures.sent)]),
        created=tuple(sorted(pod.created for pod in seen.pods if pod.created is not None)),
        served=tuple(sorted(pod.created for pod in seen.pods if pod.created is not None and pod.ready is not None)),
    )
    return tuple(
        _account(seen, why, charged, counts, position, found, quiet) for position in range(len(seen.windows.rollouts))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What is looked for once in the whole run: the cause of each failure; by position in how many spans of time
    something failed without a cause; pods that others took; when others' endpoints left, when that was sent, ascending,
    which may have failed by those; and when pods came, and those that became Ready."""

    label: NDArray[np.object_]
    unexplained: Counter[int]
    endings: tuple[Ending, ...]
    lefts: tuple[float, ...]
    strange: NDArray[np.float64]
    created: tuple[float, ...]
    served: tuple[float, ...]


def _account(
    seen: Observed,
    why: Explained,
    charged: Attribution,
    counts: Counted,
    position: int,
    found: _Found,
    quiet: Background,
) -> RolloutAccount:
    span, window, control = seen.windows.rollouts[position], counts.windows[position], counts.windows.get(CONTROL)
    own = charged.of(position)
    strange = endings_by_others(seen, found.endings, position)
    chance = _by_chance(found.unexplained[position], window, found.unexplained[CONTROL], control)
    return RolloutAccount(
        rollout=span.rollout,
        own_failures=int(own.sum()),
        unexplained=chance < corrected(seen)
        and not (strange or _explained(window.by_cause) or seen.load.why or _stood_still(seen, window)),
        doubts=(
            *incomplete(seen, why.plane, span, found.created, found.served),
            *strange,
            *stranger_left(seen, found.lefts, found.strange, span),
            *failures_of_others(seen, why, position, counts, tally(list(found.label[own])), quiet),
        ),
    )


def _stood_still(seen: Observed, window: Window) -> bool:
    """Whether the harness stood still meanwhile, so that a cause may not have been seen."""
    return any(one.start < window.end and one.end > window.start for one in seen.stalls.of_harness)


def _spans(at: NDArray[np.int64], moments: NDArray[np.float64]) -> Counter[int]:
    """By position, in how many spans of time one of the moments lies. `at`: the position of each moment."""
    pairs = np.unique(np.column_stack((at, np.floor(moments / SPAN_S).astype(np.int64))), axis=0)
    return Counter(pairs[:, 0].tolist())


def _by_chance(unknown: int, window: Window, before: int, control: Window | None) -> float:
    """How probably chance puts so many of the spans with failures without a cause into a rollout's window."""

    def length(of: Window) -> int:
        return max(1, round((of.end - of.start) / SPAN_S))

    return excess(unknown, length(window), before, length(control) if control else 0)


def _explained(by_cause: Mapping[str, int]) -> bool:
    """Whether something else that was shown accounts for failures without a cause."""
    return bool(by_cause.get(Cause.STALE_CONNTRACK) or by_cause.get(Cause.LOAD_GENERATOR))
