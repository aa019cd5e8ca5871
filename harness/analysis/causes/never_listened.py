"""Pods that were listed and may not have been listening -> those that never were, and on which port that was.

A Service sends to the number of its targetPort, whatever the pods of a new version listen on. Such pods are Ready where
their probe asks the port that they have, or none, and refuse every connection.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.analysis.causes.data_plane import DataPlane
from harness.analysis.causes.intervals import Spans
from harness.analysis.causes.streaks import Streaks, needed_in_a_row
from harness.analysis.observed.answers import Answers
from harness.analysis.observed.endpoints import Endpoints
from harness.analysis.observed.pods import Life
from harness.model.run import RunInfo
from harness.spec.serving import target_ports


def never_listened(
    pods: Sequence[Life], starting: Spans, seen: Answers, listed: Endpoints, streaks: Streaks, plane: DataPlane
) -> Spans:
    """The spans of `starting` that nothing but the pod's leaving the list, or the end of the load, brought to an end.

    So many connections must have begun in one that some would have met the pod, had it been sent to and listening.
    """
    needed = needed_in_a_row(listed.most)
    return tuple(
        (since, until, at)
        for since, until, at in starting
        if pods[at].uid not in seen.first_new
        and until >= _left(pods[at], listed)
        and streaks.begun_between(since + (plane.lag_s or 0.0), until) >= needed
    )


def _left(pod: Life, listed: Endpoints) -> float:
    """When it left the list for good, or had gone: others answer well from then on."""
    spans = listed.listed.get(pod.uid, ())
    return min(spans[-1][1] if spans else math.inf, math.inf if pod.gone is None else pod.gone)


def target_words(info: RunInfo) -> str:
    """The port of the pods to which the Service sends, as "port 8080" or "port http"."""
    found = tuple(dict.fromkeys(target_ports(info.manifests, info.service)))
    return f"port {found[0]}" if len(found) == 1 else "the port"
