"""The failed requests of a rollout -> all that is known of each: times, connection, cause, rule, who could have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.explained import Explained
from harness.analysis.causes.reference import conditions
from harness.analysis.causes.tried import suspects
from harness.analysis.observed.observed import Observed
from harness.model.race import Earlier, LostRequest
from harness.model.result import FailedRequest

MOST_CANDIDATES = 12
"""How many pods that could have taken a request are named."""

_TIMES = (
    "scheduled",
    "started",
    "connected",
    "handshake",
    "first_byte",
    "ended",
    "local_port",
    "reused",
    "outcome",
    "status",
    "via",
    "tls_trouble",
)


def lost_requests(
    seen: Observed, why: Explained, told: Sequence[FailedRequest], chosen: NDArray[np.int64]
) -> tuple[LostRequest, ...]:
    """The `chosen` ones, by their place among the failures. `told`: the cause and the evidence of every failure."""
    rows = seen.requests.failures[chosen].select(*_TIMES).to_dicts()
    before = _earlier(seen.requests.frame, seen.requests.failures[chosen])
    causes = why.causes
    return tuple(
        _lost(
            row,
            told[at],
            rule=str(causes.table[causes.row[at]].rule),
            candidates=_candidates(seen, why, at),
            earlier=before.get((told[at].stream, told[at].worker, told[at].seq)),
            client_node=seen.run.info.client_node(told[at].worker),
        )
        for at, row in zip(chosen.tolist(), rows, strict=True)
    )


def _lost(
    row: Mapping[str, Any],
    told: FailedRequest,
    *,
    rule: str,
    candidates: tuple[str, ...],
    earlier: Earlier | None,
    client_node: str,
) -> LostRequest:
    return LostRequest(
        stream=told.stream,
        worker=told.worker,
        seq=told.seq,
        cause=told.cause_label,
        rule=rule,
        pod=told.pod,
        candidates=candidates,
        evidence=told.evidence,
        earlier=earlier,
        client_node=client_node,
        **row,
    )


def rules(why: Explained, chosen: NDArray[np.int64]) -> dict[str, str]:
    """The rules that named the causes of the chosen failures, each with what it asks, in a sentence."""
    found = {int(at) for at in np.unique(why.causes.row[chosen])}
    return {str(row.rule): conditions(row) for row in (why.causes.table[at] for at in sorted(found))}


def _candidates(seen: Observed, why: Explained, at: int) -> tuple[str, ...]:
    """The pods that could have taken it, by name."""
    return tuple(sorted({seen.pods[pod].name for pod in suspects(why.failures, why.causes, at)})[:MOST_CANDIDATES])


def _earlier(frame: pl.DataFrame, chosen: pl.DataFrame) -> dict[tuple[str, int, int], Earlier]:
    """Of the requests on kept connections: what the same connection had carried before, by stream, worker and seq."""
    kept = chosen.filter(pl.col("reused"), pl.col("local_port").is_not_null())
    if not len(kept):
        return {}
    port = ["worker", "local_port"]
    # Each request that is the first on its port begins a connection; those up to the next one follow on it.
    rows = (
        frame.lazy()
        .join(kept.lazy().select(port).unique(), on=port, how="semi")
        .filter(pl.col("started").is_not_null())
        .sort("started")
        .with_columns(pl.col("stream", "pod").cast(pl.String))
        .with_columns(connection=(~pl.col("reused")).cum_sum().over(port))
        .with_columns(
            n=pl.int_range(pl.len()).over(*port, "connection"),
            opened=pl.col("started").first().over(*port, "connection"),
            last=pl.col("ended").shift(1).over(*port, "connection"),
            by=pl.col("pod").shift(1).over(*port, "connection"),
        )
        .join(kept.lazy().select("stream", "worker", "seq"), on=["stream", "worker", "seq"], how="semi")
        .select("stream", "worker", "seq", "n", "opened", "last", "by")
        .collect()
    )
    return {
        (stream, worker, seq): Earlier(requests=n, opened=opened, last=last, pod=by or "")
        for stream, worker, seq, n, opened, last, by in rows.iter_rows()
        if n and last is not None
    }
