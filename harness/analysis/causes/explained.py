"""A run -> everything that is known about its failures: windows, pods, endpoints, sightings, causes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.conntrack import UNANSWERED, UNCHANGED_PATHS, stale_entries
from harness.analysis.causes.data_plane import DataPlane, Horizon, data_plane, horizons, seen_syncs
from harness.analysis.causes.lost_syn import all_alive, lone
from harness.analysis.causes.no_endpoints import absence
from harness.analysis.causes.rules import BALANCED, LATE_S, Causes, Facts, causes
from harness.analysis.causes.time_windows import NOBODY, Clues, Possibilities, possibilities
from harness.analysis.observed.answers import Sightings, sightings, streaks
from harness.analysis.observed.endpoints import Endpoints, endpoints
from harness.analysis.observed.load_health import LoadHealth, load_health
from harness.analysis.observed.pod_endings import takers
from harness.analysis.observed.pods import Life, lives
from harness.analysis.observed.requests import KEY, History, history
from harness.analysis.observed.windows import Windows, windows
from harness.model.result import Taker
from harness.model.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Investigation:
    """All facts of one run. `facts` and `found` are per row of `history.failures`."""

    run: Run
    history: History
    windows: Windows
    pods: tuple[Life, ...]
    takers: dict[str, Taker]
    listed: Endpoints
    seen: Sightings
    plane: DataPlane
    horizons: dict[str, Horizon]
    possible: Possibilities
    load: LoadHealth
    facts: Facts
    found: Causes


def investigate(run: Run) -> Investigation:
    """Look at everything once, in the order in which one fact needs another."""
    past = history(run.requests)
    spans = windows(run.info, run.timeline, past.first, past.last)
    pods = lives(run.info, run.timeline)
    listed = endpoints(run.info, run.timeline, pods)
    seen = sightings(past, pods)
    stale = stale_entries(past, run.info.path, len(run.info.load.source_addresses))
    runs = streaks(past, stale)
    plane = data_plane(run.info.cluster.proxy, run.info.path)
    syncs = seen_syncs(pods, listed, seen, runs)
    until = horizons(pods, listed, plane, runs, syncs)
    load = load_health(run.info, past, spans, run.worker_seconds)
    failures = past.failures
    started = failures["started"].to_numpy()
    ended = failures["ended"].to_numpy()
    outcome = failures["outcome"].to_numpy().astype(object)
    possible = possibilities(
        pods,
        Clues(
            listed=listed,
            seen=seen,
            streaks=runs,
            horizons=until,
            plane=plane,
            balanced=run.info.path not in UNCHANGED_PATHS,
            syncs=syncs,
            refused=started[outcome == "connect-refused"],
            unanswered=started[np.isin(outcome, UNANSWERED) & ~stale.to_numpy()],
        ),
    )
    facts = Facts(
        outcome=outcome,
        started=started,
        ended=ended,
        connected=failures["connected"].to_numpy(),
        reused=failures["reused"].to_numpy(),
        status=failures["status"].fill_null(0).to_numpy(),
        named=_named(past, pods),
        by_pod=_by_pod(failures, run.info.path),
        stale=stale.to_numpy(),
        late=_late(run, failures),
        stalled=_stalled(failures, load),
        lone=lone(outcome, started, ended, runs),
        alive=all_alive(started, pods, listed, until, seen) & (run.info.path in UNCHANGED_PATHS),
        punctual=plane.lag_s is not None,
        possible=possible,
        absence=absence(listed, possible, runs, plane.lag_s, outcome, started),
    )
    return Investigation(
        run=run,
        history=past,
        windows=spans,
        pods=pods,
        takers=takers(run.timeline, pods, spans.updates),
        listed=listed,
        seen=seen,
        plane=plane,
        horizons=until,
        possible=possible,
        load=load,
        facts=facts,
        found=causes(facts),
    )


def _named(past: History, pods: tuple[Life, ...]) -> NDArray[np.int64]:
    """The position of the pod at the other end, where it is known; of two with one name, the one that lived then.

    The answer names it where one began; a kept connection stays with the pod that answered on it before.
    """
    failures = past.failures.with_columns(pod=_kept_by(past))

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


def _kept_by(past: History) -> pl.Series:
    """Per failure the pod's name, taken on a kept connection from the last answer before on the same source port."""
    failures = past.failures
    unnamed = failures.filter(pl.col("reused"), pl.col("pod") == "", pl.col("local_port").is_not_null())
    if not len(unnamed):
        return failures["pod"]
    port = ["worker", "local_port"]
    answers = (
        past.frame.lazy()
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


def _by_pod(failures: pl.DataFrame, path: str) -> NDArray[np.bool_]:
    """Whether a pod gave the answer. Where nothing stands before the pods that could answer, always."""
    if path not in BALANCED:
        return np.ones(len(failures), dtype=bool)
    return (failures["pod"] != "").to_numpy()


def _late(run: Run, failures: pl.DataFrame) -> NDArray[np.bool_]:
    """Whether a time-out fired much later than it was due: the worker itself did not run then."""
    limits = {"connect-timeout": run.info.load.connect_timeout_s, "read-timeout": run.info.load.read_timeout_s}
    took = (failures["ended"] - failures["started"]).to_numpy()
    late = np.zeros(len(failures), dtype=bool)
    for name, limit in limits.items():
        late |= (failures["outcome"] == name).to_numpy() & (took > limit + LATE_S)
    return late


def _stalled(failures: pl.DataFrame, load: LoadHealth) -> NDArray[np.bool_]:
    """Whether the worker stood still at some moment while the request was under way."""
    inside = np.zeros(len(failures), dtype=bool)
    started, ended = failures["started"].to_numpy(), failures["ended"].to_numpy()
    for start, end in load.stalls:
        inside |= (started <= end) & (ended >= start)
    return inside
