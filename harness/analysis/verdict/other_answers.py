"""Good answers and the pods that they come from -> a doubt where pods that stop or start answered unlike the others.

Status 200 is no proof of an answer: a server says "shutting down" or "starting up" with it, and an answer that ends
with its connection (HTTP/1.0, or without a length) looks whole when its server is killed. No client sees a failure in
that, but sizes tell that pods in service answer otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.intervals import cover
from harness.analysis.causes.row import Way
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.observed.lateness import WATCH_S
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.analysis.statistics import excess
from harness.model.quantity import things

CHANCE = 0.001
"""How improbable it must be that pods in service would have answered with so many sizes that nobody had seen."""

STARTING_S = 2.0
"""A pod's first answers, held against its later ones: less than a quiet time, which leaves enough of those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Good:
    """Good answers in the order of the record: name of the pod (empty without one), end in seconds, and `kind`, which
    counts the pairs of stream and size in bytes that there are, `kinds`."""

    pod: NDArray[np.object_]
    ended: NDArray[np.float64]
    kind: NDArray[np.int64]
    kinds: tuple[tuple[str, int], ...]

    def numbers(self, which: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many of these answers there are of each kind."""
        return np.bincount(self.kind[which], minlength=len(self.kinds))


def other_answers(seen: Observed, windows: TimeWindows) -> Iterator[str]:
    """Sentences on answers with a good status whose sizes pods in service never gave."""
    sent = seen.run.info.requests
    if (sent and all(one.contains for one in sent)) or not seen.windows.updates:
        return  # the body of every answer was looked at
    good = _good(seen)
    if not good.kinds:
        return
    named = seen.answers.named
    stopping = _stopping(seen, good) if named else cover(windows[Way.LOOSE_STOPPING], good.ended).count > 0
    starting = _starting(seen, good) & ~stopping if named else np.zeros_like(stopping)
    in_service = ~stopping & ~starting
    yield from _odd(good, stopping, in_service, "as they stopped")
    yield from _odd(good, starting, in_service, "just after they were Ready")


def _good(seen: Observed) -> _Good:
    rows = seen.requests.frame.filter(pl.col("outcome") == "ok").drop_nulls(["bytes", "ended"])
    rows = rows.with_columns(pl.col("stream", "pod").cast(pl.String).fill_null(""))
    kinds = rows.select("stream", "bytes").unique(maintain_order=True).with_row_index("kind")
    return _Good(
        pod=rows["pod"].to_numpy().astype(object),
        ended=rows["ended"].to_numpy(),
        kind=rows.join(kinds, on=["stream", "bytes"], how="left", maintain_order="left")["kind"]
        .cast(pl.Int64)
        .to_numpy(),
        kinds=tuple(kinds.select("stream", "bytes").rows()),
    )


def _stopping(seen: Observed, good: _Good) -> NDArray[np.bool_]:
    """Which came from a pod that had been told to stop."""
    found = np.zeros(len(good.ended), dtype=bool)
    for pod in _of_one_name(seen):
        if pod.deletion is not None:
            told = pod.deletion + pod.promise.prestop_s - WATCH_S
            found |= (good.pod == pod.name) & (good.ended >= told)
    return found


def _starting(seen: Observed, good: _Good) -> NDArray[np.bool_]:
    """Which came from a pod that had begun to answer just before, and went on for as long after that."""
    found = np.zeros(len(good.ended), dtype=bool)
    for pod in _of_one_name(seen):
        own = good.pod == pod.name
        if pod.created is None or not own.any():
            continue
        first, last = float(good.ended[own].min()), float(good.ended[own].max())
        if last >= first + 2 * STARTING_S:
            found |= own & (good.ended < first + STARTING_S)
    return found


def _of_one_name(seen: Observed) -> Iterator[Life]:
    names = Counter(pod.name for pod in seen.pods)
    return (pod for pod in seen.pods if names[pod.name] == 1)


def _odd(good: _Good, here: NDArray[np.bool_], others: NDArray[np.bool_], when: str) -> Iterator[str]:
    """A sentence where more sizes than chance explains are such as none of the others has.

    How often an answer has a size that was never seen is told by those that were seen once (Good, 1953,
    doi:10.1093/biomet/40.3-4.237): bodies of many lengths, such as those that carry a time, are no doubt.
    """
    mine, usual = good.numbers(here), good.numbers(others)
    odd = np.where(usual == 0, mine, 0)
    if excess(int(odd.sum()), int(mine.sum()), int((usual == 1).sum()), int(usual.sum())) >= CHANCE:
        return
    stream, size = good.kinds[int(odd.argmax())]
    same = [(number, kind[1]) for number, kind in zip(usual.tolist(), good.kinds, strict=True) if kind[0] == stream]
    most, as_ever = max(same)
    usually = f", not {as_ever:,}" if most else ""
    count = things(int(odd.sum()), "answer")
    yield (
        f"{count} of pods {when} had a good status and a size that pods in service never gave ({size:,} "
        f"bytes{usually}, on stream {stream}): an error in the body, or a body that was cut, is no failure to a client "
        "that looks at the status alone (request.contains says what a good body has)"
    )
