"""The load workers' seconds -> when a name led to other addresses than before, as requests were lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.analysis.observed.foreign_changes import ForeignChange
from harness.model.request import NAME_USED_S


def moved_names(seconds: Sequence[Mapping[str, Any]], failed: NDArray[np.float64]) -> tuple[ForeignChange, ...]:
    """When an address that had been connected to was no longer what the name led to, and never was again.

    A name that leads to some of its addresses at a time is no change, nor is one by which nothing was lost. `failed`:
    when the requests that failed were sent.

    >>> lists = [["10.0.0.1"], ["10.0.0.1", "10.0.0.2"], ["10.0.0.2"]]
    >>> told = [{"t": t, "worker": 0, "addresses": each} for t, each in enumerate(lists, start=1)]
    >>> [change.words for change in moved_names(told, np.array([2.5]))]
    ['the name that the load goes to led to 10.0.0.2, and to 10.0.0.1 no more']
    >>> moved_names(told, np.array([40.0]))
    ()
    """
    by_worker: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for second in seconds:
        if second.get("addresses") and isinstance(second.get("t"), int | float):
            by_worker[second.get("worker")].append(second)
    found: dict[str, ForeignChange] = {}
    for mine in by_worker.values():
        for change in _changes(sorted(mine, key=lambda second: float(second["t"]))):
            if ((failed >= change.start) & (failed <= change.end)).any():
                found.setdefault(change.words, change)
    return tuple(found.values())


def _changes(seconds: Sequence[Mapping[str, Any]]) -> Iterator[ForeignChange]:
    last = {address: at for at, second in enumerate(seconds) for address in second["addresses"]}
    for at, (before, now) in enumerate(pairwise(seconds)):
        gone = [address for address in before["addresses"] if last[address] == at]
        if gone:
            words = f"the name that the load goes to led to {_all(now['addresses'])}, and to {_all(gone)} no more"
            start, end = float(before["t"]) - NAME_USED_S, float(now["t"])
            yield ForeignChange(start=start, end=end, words=words, reroutes=True)


def _all(addresses: Iterable[str]) -> str:
    return ", ".join(addresses)
