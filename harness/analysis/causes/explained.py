"""What was observed -> why each request failed, and what the judgement of causes rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from harness.analysis.causes.clues import Clues
from harness.analysis.causes.conntrack import UNANSWERED, stale_entries
from harness.analysis.causes.data_plane import DataPlane, SeenSyncs, data_plane, horizons, seen_syncs
from harness.analysis.causes.failures import CUT, Failures, failures
from harness.analysis.causes.naming import Causes, causes
from harness.analysis.causes.row import Row
from harness.analysis.causes.streaks import streaks
from harness.analysis.causes.table import TABLE
from harness.analysis.causes.time_windows import TimeWindows, time_windows
from harness.analysis.observed.observed import Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Per failed request its facts and its cause, and what is known of the data plane."""

    plane: DataPlane
    windows: TimeWindows
    failures: Failures
    causes: Causes


def explain(seen: Observed, table: Sequence[Row] = TABLE) -> Explained:
    """Name the cause of every failure by the table of rules."""
    info, requests = seen.run.info, seen.requests
    stale = stale_entries(requests, info.way, len(info.load.source_addresses))
    direct = info.way.node_first
    runs = streaks(requests, stale, direct=direct, ends_tcp=info.way.ends_tcp)
    plane = data_plane(info)
    syncs = seen_syncs(seen.pods, seen.endpoints, seen.answers, runs) if info.way.one_list else SeenSyncs()
    until = horizons(seen.pods, seen.endpoints, plane, runs, syncs)
    sent, outcome = requests.failures["started"].to_numpy(), requests.failures["met"].to_numpy()
    cut = requests.failures.filter(~pl.col("reused"), pl.col("connected").is_not_null(), pl.col("met").is_in(CUT))
    windows = time_windows(
        seen.pods,
        Clues(
            listed=seen.endpoints,
            seen=seen.answers,
            streaks=runs,
            horizons=until,
            plane=plane,
            balanced=not direct,
            syncs=syncs,
            refused=sent[outcome == "connect-refused"],
            unanswered=sent[np.isin(outcome.astype(object), UNANSWERED) & ~stale.to_numpy()],
            accepted=cut["connected"].to_numpy(),
            cut=cut["ended"].to_numpy(),
            stalls=seen.stalls,
            healthy={pod.uid: pod.healthy for pod in seen.gated},
        ),
    )
    facts = failures(seen, stale, runs, plane, windows)
    return Explained(plane=plane, windows=windows, failures=facts, causes=causes(facts, table))
