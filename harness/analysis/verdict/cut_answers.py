"""Good answers that only the end of their connection ended -> a doubt where those ended at once as pods did.

Nobody can tell whether such an answer is whole (RFC 9112, 8): a server that is killed ends all that it has in hand in
the same moment, and each looks like one that it had finished. Answers that are finished end one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.intervals import cover
from harness.analysis.causes.one_moment import moments_of
from harness.analysis.causes.row import Way
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.observed.observed import Observed
from harness.analysis.statistics import excess
from harness.model.quantity import things

CHANCE = 0.001
"""How improbable it must be that answers which are finished end together so often."""

LASTING_S = 0.05
"""A body that came in less came in one piece, which no kill falls into; and a client that stood still for a moment sees
several of those end at once."""

_NEAR = 0.05
"""The part of the usual time between two ends that makes them one moment: by chance, one in thirty follows so."""

_SEVERAL = (2, 3)
"""How many ends make several: two tell of a pod that had few in hand, three or more are hardly ever chance."""


def cut_answers(seen: Observed, windows: TimeWindows) -> Iterator[str]:
    """A sentence, where answers of unknown length ended together as pods stopped, more than they do otherwise."""
    if "close_delimited" not in seen.requests.frame.columns or not seen.windows.updates:
        return
    ended = _ended(seen)
    if len(ended) < 2:
        return
    stopping = cover(windows[Way.LOOSE_STOPPING], ended).count > 0
    sizes = _sizes(ended)
    shown = [several for several in _SEVERAL if _more(sizes >= several, stopping)]
    if not shown:
        return
    then = int(((sizes >= shown[0]) & stopping).sum())
    yield (
        f"{things(then, 'answer')} without a length, which only the end of the connection ends, ended several in the "
        "same moment as pods stopped: as those do that are cut, and no client can tell them from whole ones "
        "(request.contains with the last words of a whole body can; so can Content-Length, or chunks)"
    )


def _ended(seen: Observed) -> NDArray[np.float64]:
    """When the answers in question ended, seconds, ascending."""
    lasting = pl.col("ended") - pl.col("first_byte") >= LASTING_S
    of_unknown_length = pl.col("close_delimited") & (pl.col("outcome") == "ok") & lasting
    rows = seen.requests.frame.lazy().filter(of_unknown_length).select("ended").drop_nulls().sort("ended")
    return rows.collect()["ended"].to_numpy()


def _sizes(ended: NDArray[np.float64]) -> NDArray[np.int64]:
    """Of each of the ascending moments, how many follow each other, it among them, much closer than is usual."""
    of = moments_of(ended, _NEAR * float(np.median(np.diff(ended))))
    return np.bincount(of)[of]


def _more(together: NDArray[np.bool_], stopping: NDArray[np.bool_]) -> bool:
    """Whether more end together while pods stop than do otherwise."""
    counts = [(int((together & part).sum()), int(part.sum())) for part in (stopping, ~stopping)]
    return excess(*counts[0], *counts[1]) < CHANCE
