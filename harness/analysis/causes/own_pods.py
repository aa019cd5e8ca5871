"""Failed requests and the answers before them -> the pod at the other end of each, where it is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.intervals import NOBODY
from harness.analysis.observed.pods import Life
from harness.analysis.observed.requests import KEY, Requests


def own_pods(requests: Requests, pods: Sequence[Life], *, ends_tcp: bool = False) -> NDArray[np.int64]:
    """The position of the pod at the other end, where it is known; of two with one name, the one that lived then.

    The answer names it where one began; a kept connection stays with the pod that answered on it before. `ends_tcp`:
    not so where something before the pods ends it, which sends each request to another.
    """
    failures = requests.failures if ends_tcp else requests.failures.with_columns(pod=_kept_by(requests))

    by_name: dict[str, list[tuple[float, int]]] = {}
    for position, pod in enumerate(pods):
        by_name.setdefault(pod.name, []).append((pod.first_seen, position))
    found = np.full(len(failures), NOBODY, dtype=np.int64)
    names, started = failures["pod"], failures["started"].to_numpy()
    for name in names.unique():
        living = sorted(by_name.get(name, ()))
        if living:
            mine = (names == name).to_numpy()
            at = np.searchsorted([first_seen for first_seen, _ in living], started[mine], side="right") - 1
            found[mine] = np.array([position for _, position in living])[np.maximum(at, 0)]
    return found


def _kept_by(requests: Requests) -> pl.Series:
    """Per failure the pod's name, taken on a kept connection from the last answer before on the same source port."""
    failures = requests.failures
    unnamed = failures.filter(pl.col("reused"), pl.col("pod") == "", pl.col("local_port").is_not_null())
    if not len(unnamed):
        return failures["pod"]
    port = ["worker", "local_port"]
    answers = (
        requests.frame.lazy()
        .filter(pl.col("pod") != "", pl.col("started").is_not_null())
        .join(unnamed.lazy().select(port).unique(), on=port, how="semi")
        .select(*port, "started", pl.col("pod").cast(pl.String).alias("kept_by"))
        .sort("started")
        .collect()
    )
    before = unnamed.select(*KEY, "local_port", "started").join_asof(
        answers, on="started", by=port, strategy="backward", check_sortedness=False
    )
    joined = failures.select(*KEY, "pod").join(
        before.select(*KEY, "kept_by"), on=list(KEY), how="left", maintain_order="left"
    )
    return joined.select(
        pl.when(pl.col("pod") == "").then(pl.col("kept_by").fill_null("")).otherwise("pod")
    ).to_series()
