"""How long judging takes: `python bench/analysis_bench.py [--requests N]...` makes runs and judges each from scratch.

Each run of N requests and 5,000 timeline events is judged by `python -m harness report` in a process of its own, from
its start to the written result.json and report.md. Prints wall time and the largest resident memory of that process
beside the promise: 1 M requests in 3 s and 600 MB, 10 M in 40 s and 2 GB, on two cores.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

PROMISES = {1_000_000: (3.0, 600), 10_000_000: (40.0, 2000)}
ROLLOUTS, REPLICAS, EVENTS = 20, 10, 5000
CONTROL_S = 20.0


def make_run(folder: Path, requests: int, *, seed: int = 1) -> None:
    """A run directory of `requests` over 20 rollouts of 10 pods; about 0.5 % of them fail as pods end."""
    random = np.random.default_rng(seed)
    rate = max(1000.0, requests / 1000.0)
    span = requests / rate
    period = (span - CONTROL_S) / ROLLOUTS
    updates = CONTROL_S + period * np.arange(ROLLOUTS)
    _timeline(folder, updates, period)
    _requests(folder, random, requests, rate, updates, period)
    info = {
        "format": 1,
        "experiment": "bench",
        "scenario": "bench",
        "variant": "default",
        "path": "clusterip",
        "cluster": {"kind": "bench", "proxy": {"mode": "iptables", "minSyncPeriod": "1s", "source": "configured"}},
        "streams": {"new": rate / 2, "kept": rate / 2},
        "control": [0.0, CONTROL_S],
        "rollouts": [
            {"rollout": i, "update": float(t), "complete": float(t + period / 2), "settled": float(t + period * 0.6)}
            for i, t in enumerate(updates)
        ],
        "finished": True,
    }
    (folder / "run.json").write_text(json.dumps(info))


def _requests(
    folder: Path, random: np.random.Generator, n: int, rate: float, updates: np.ndarray, period: float
) -> None:
    scheduled = np.arange(n) / rate
    started = scheduled + random.uniform(0.0002, 0.002, n)
    at = np.searchsorted(updates, scheduled, side="right") - 1
    into = np.where(at < 0, -1.0, (scheduled - updates[at]) / period)
    losing = (into > 0.05) & (into < 0.45) & (random.random(n) < 0.0125)
    kept = np.arange(n) % 2 == 1
    failed = losing & ~kept
    refused = failed & (random.random(n) < 0.3)
    took = random.uniform(0.0005, 0.003, n)
    ended = started + np.where(failed & ~refused, 1.0005, took)
    pod = random.integers(0, REPLICAS, n) + REPLICAS * np.maximum(at, 0)
    shown = np.where(failed, np.nan, started)
    names = np.array([f"web-{i // REPLICAS:x}-{i:05d}" for i in range(ROLLOUTS * REPLICAS)], dtype=object)
    outcome = np.where(failed, np.where(refused, "connect-refused", "connect-timeout"), "ok")
    frame = pl.DataFrame(
        {
            "stream": np.where(kept, "kept", "new"),
            "worker": np.zeros(n, dtype=np.int32),
            "seq": np.arange(n) // 2,
            "scheduled": scheduled,
            "started": started,
            "connected": pl.Series(np.where(kept, np.nan, shown)).fill_nan(None),
            "first_byte": pl.Series(shown).fill_nan(None),
            "ended": ended,
            "local_port": 11000 + np.arange(n) % 49000,
            "reused": kept.astype(np.int8),
            "outcome": outcome,
            "status": pl.Series(np.where(failed, np.nan, 200.0)).fill_nan(None).cast(pl.Int64),
            "bytes": np.where(failed, 0, 615),
            "pod": pl.Series(np.where(failed, "", names[pod]).astype(str)),
            "via": "",
        }
    )
    frame.write_csv(folder / "requests.csv", float_precision=6)


def _timeline(folder: Path, updates: np.ndarray, period: float) -> None:
    lines: list[tuple[float, str, str, dict[str, Any]]] = []
    for i, update in enumerate(updates):
        lines.append((float(update), "Mark", "update", {"rollout": i}))
        lines.append((float(update + period / 2), "Mark", "complete", {}))
        lines.append((float(update + period * 0.6), "Mark", "settled", {}))
        for j in range(REPLICAS):
            t = float(update + period * (0.05 + 0.04 * j))
            lines += [*_pod(i * REPLICAS + j, t, ends=False), *_pod((i - 1) * REPLICAS + j, t + 0.3, ends=True)]
            lines.append((t + 0.32, "EndpointSlice", "MODIFIED", _slice(i, j)))
    filler = {"reason": "Pulled", "message": "Container image already present on machine", "padding": "x" * 900}
    lines += [(float(t), "Event", "ADDED", filler) for t in np.linspace(0, updates[-1], max(0, EVENTS - len(lines)))]
    lines.sort(key=lambda line: line[0])
    with (folder / "timeline.jsonl").open("w") as file:
        for t, kind, type_, obj in lines:
            file.write(json.dumps({"t": round(t, 4), "kind": kind, "type": type_, "object": obj}) + "\n")


def _name(number: int) -> str:
    return f"web-{number // REPLICAS:x}-{number:05d}" if number >= 0 else f"web-first-{number + REPLICAS:05d}"


def _pod(number: int, t: float, *, ends: bool) -> list[tuple[float, str, str, dict[str, Any]]]:
    metadata = {"name": _name(number), "uid": f"uid-{number}", "labels": {"pod-template-hash": str(number // REPLICAS)}}
    probe = {"readinessProbe": {"httpGet": {"port": 80}}, "env": [{"name": "A", "value": "x" * 400}]}

    def seen(at: float, type_: str, ready: bool, **more: Any) -> tuple[float, str, str, dict[str, Any]]:
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}]}
        status["containerStatuses"] = [{"restartCount": 0, "state": more.pop("state", {"running": {}})}]  # type: ignore
        return at, "Pod", type_, {"metadata": metadata | more, "spec": {"containers": [probe]}, "status": status}

    if not ends:
        return [seen(t, "ADDED", False), seen(t + 0.2, "MODIFIED", False), seen(t + 0.3, "MODIFIED", True)]
    deleted = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    over = {"terminated": {"exitCode": 0}}
    return [
        seen(t, "MODIFIED", True, **deleted),
        seen(t + 0.4, "MODIFIED", False, state=over, **deleted),
        seen(t + 0.6, "DELETED", False, state=over, **deleted),
    ]


def _slice(rollout: int, replaced: int) -> dict[str, Any]:
    numbers = [(rollout if j <= replaced else rollout - 1) * REPLICAS + j for j in range(REPLICAS)]
    ready = {"ready": True, "serving": True, "terminating": False}
    endpoints = [
        {"addresses": [f"10.0.0.{j}"], "conditions": ready, "targetRef": {"name": _name(n), "uid": f"uid-{n}"}}
        for j, n in enumerate(numbers)
    ]
    return {"metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}}, "endpoints": endpoints}


def measure(folder: Path) -> tuple[float, int]:
    """Wall seconds and the largest resident set, in MB, of `harness report` on the run."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "harness", "report", str(folder)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
        raise SystemExit(f"report ended with {os.waitstatus_to_exitcode(status)}")
    return took, usage.ru_maxrss // 1024


def main() -> int:
    """Measure each size asked for; 1 where a promise was not held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, action="append", help="default: 1000000")
    parser.add_argument("--times", type=int, default=5, help="how often each run is judged; the fastest counts")
    asked = parser.parse_args()
    held = True
    for requests in asked.requests or [1_000_000]:
        with tempfile.TemporaryDirectory(prefix="analysis-bench-") as scratch:
            # In a process of its own: a child's largest resident set begins with that of the process that starts it.
            maker = multiprocessing.get_context("spawn").Process(target=make_run, args=(Path(scratch), requests))
            maker.start()
            maker.join()
            runs = sorted(measure(Path(scratch)) for _ in range(asked.times))
        took, memory = runs[0][0], max(memory for _, memory in runs)  # what others do on the machine only adds time
        limit = PROMISES.get(requests)
        promise = f" (promised: {limit[0]:g} s, {limit[1]} MB)" if limit else ""
        spread = f"{len(runs)} times, up to {runs[-1][0]:.2f} s"
        print(f"judge {requests:>10,} requests: {took:.2f} s ({spread}), {memory} MB{promise}")
        held &= limit is None or (took <= limit[0] and memory <= limit[1])
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
