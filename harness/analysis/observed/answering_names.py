"""Answers that name who gave them, and what the watch saw -> whether those names are pods' at all.

An application may send its own name, or its host's, in the header in which pods' names are looked for. Of no pod it
says who answered, so that every pod would look as if it had never been sent to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from harness.analysis.observed.pods import Life
from harness.analysis.observed.requests import Requests
from harness.model.observation import Observation


def with_pods_names(requests: Requests, timeline: Sequence[Observation], pods: Sequence[Life]) -> Requests:
    """The requests as they are where one answer at least names a pod that was seen; else without names.

    The pods of another workload behind the Service are seen as its endpoints.
    """
    given = set(requests.frame["pod"].drop_nulls().cast(pl.String).unique()) - {""}
    if not given or not pods or given & {*(pod.name for pod in pods), *_endpoints(timeline)}:
        return requests
    unnamed = pl.lit("").cast(requests.frame.schema["pod"]).alias("pod")
    return replace(
        requests,
        frame=requests.frame.with_columns(unnamed),
        failures=requests.failures.with_columns(pod=pl.lit("")),
        misnamed=min(given),
    )


def _endpoints(timeline: Sequence[Observation]) -> Iterator[str]:
    for seen in timeline:
        if seen.kind == "EndpointSlice":
            for entry in seen.object.get("endpoints") or ():
                yield str((entry.get("targetRef") or {}).get("name"))
