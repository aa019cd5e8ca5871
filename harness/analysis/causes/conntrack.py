"""Failed connections and the earlier uses of their source ports -> those that a stale conntrack entry sent astray."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from harness.analysis.observed.requests import Requests
    from harness.model.paths import Hops

ENTRY_S = 120.0
"""How long the kernel keeps a SYN_SENT entry (nf_conntrack_tcp_timeout_syn_sent, Documentation/networking/
nf_conntrack-sysctl.rst); each SYN renews it."""

UNANSWERED = ("connect-timeout", "unreachable")


def stale_entries(requests: Requests, way: Hops, source_addresses: int = 0) -> pl.Series:
    """Per failure (a row of `requests.failures`), whether a stale conntrack entry explains it.

    A SYN to an address that is gone leaves an entry that lives 120 s. A connection from the same source port inside
    that time goes to the dead pod again, and renews the entry. So it ended as the port's previous use did: without an
    answer. A port whose previous use was refused or served has no such entry (a refusal closes it, a close frees it).

    A worker with several source addresses takes them in turn before it goes on to the next port; so of n addresses the
    n-th use before is the one from the same address.
    """
    failures = requests.failures
    suspects = failures.filter(pl.col("outcome").is_in(UNANSWERED), pl.col("local_port").is_not_null())
    if not way.node_first or not len(suspects):
        return pl.Series("stale", [False] * len(failures), dtype=pl.Boolean)
    workers = max(1, requests.frame["worker"].n_unique())
    turn = max(1, source_addresses // workers)
    ports = suspects.select("worker", "local_port").unique()
    uses = (
        requests.frame.lazy()
        .filter(~pl.col("reused"), pl.col("started").is_not_null())
        .select("worker", "local_port", "stream", "seq", "started", "outcome")
        .join(ports.lazy(), on=["worker", "local_port"], how="semi")
        .with_columns(pl.col("outcome", "stream").cast(pl.String))
        .sort("started", "seq")
        .with_columns(
            before=pl.col("outcome").shift(turn).over("worker", "local_port"),
            age=pl.col("started") - pl.col("started").shift(turn).over("worker", "local_port"),
        )
        .filter(
            pl.col("outcome").is_in(UNANSWERED),
            pl.col("before").is_in(UNANSWERED),
            pl.col("age").is_between(0, ENTRY_S),
        )
        .select("stream", "worker", "seq")
        .collect()
    )
    marked = failures.select("stream", "worker", "seq").join(
        uses.with_columns(stale=True), on=["stream", "worker", "seq"], how="left", maintain_order="left"
    )
    return marked["stale"].fill_null(False).alias("stale")
