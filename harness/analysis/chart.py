"""The facts of a run -> what a reporter draws and lists: bins of failures, lives of pods, one row a failure."""

from __future__ import annotations

import polars as pl

from harness.analysis.causes.evidence import Narrator
from harness.analysis.causes.explained import Explained
from harness.analysis.causes.never_listened import target_words
from harness.analysis.observed.observed import Observed
from harness.model.result import Chart, FailedRequest, FailureBin, PodLife

BIN_S = 0.1


def chart(seen: Observed) -> Chart:
    """Failures per tenth of a second, above the lives of the pods."""
    bins = (
        seen.requests.failures.lazy()
        .select((pl.col("scheduled") / BIN_S).floor().cast(pl.Int64).alias("bin"), "stream", "outcome")
        .group_by("bin", "stream", "outcome")
        .len()
        .sort("bin", "stream", "outcome")
        .collect()
    )
    return Chart(
        bin_s=BIN_S,
        failures=tuple(
            FailureBin(t=round(number * BIN_S, 6), stream=stream, outcome=outcome, failed=count)
            for number, stream, outcome, count in bins.iter_rows()
        ),
        pods=tuple(
            PodLife(
                uid=pod.uid,
                name=pod.name,
                revision=pod.revision,
                created=pod.created,
                ready=pod.ready,
                deletion=pod.deletion,
                gone=pod.gone,
                taker=seen.takers.get(pod.uid),
            )
            for pod in seen.pods
        ),
    )


def failed_requests(seen: Observed, why: Explained) -> tuple[FailedRequest, ...]:
    """The rows of failures.csv, by the moment at which they were sent."""
    failures = seen.requests.failures
    at = seen.windows.positions(failures["scheduled"].to_numpy())
    numbers = [span.rollout for span in seen.windows.rollouts]
    ports = failures["local_port"].to_list()
    left = {uid: spans[-1][1] for uid, spans in seen.endpoints.listed.items() if spans}
    words = Narrator(pods=seen.pods, plane=why.plane, left=left, target=target_words(seen.run.info)).sentences(
        why.failures, why.causes, ports
    )
    cause, label = why.causes.cause, why.causes.label
    rows = failures.select("stream", "worker", "seq").rows()
    return tuple(
        FailedRequest(
            stream=stream,
            worker=worker,
            seq=seq,
            rollout=numbers[at[i]] if at[i] >= 0 else None,
            cause=cause[i],
            pod=seen.pods[why.causes.pod[i]].name if why.causes.pod[i] >= 0 else "",
            evidence=words[i],
            label="" if label[i] == cause[i] else label[i],
        )
        for i, (stream, worker, seq) in enumerate(rows)
    )
