"""How long judging takes: `python bench/judging.py [--run NAME]...` makes runs and judges each from scratch.

Each run is an experiment's folder with one scenario in it, the same every time: pods and endpoints come and go in every
rollout, and some requests fail as they do. `python -m harness report` judges the scenario in a process of its own, from
its start to the written result.json, failures.csv and report.md. Prints wall time, CPU time and the largest resident
memory of that process beside what is promised of them, the same once of the experiment's folder with all its reports,
and the sizes of what was written.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

SEED, CONTROL_S = 1, 20.0
WRITTEN = (
    "default/result.json",
    "default/failures.csv",
    "default/report.md",
    "result.json",
    "report.md",
    "report.html",
    "junit.xml",
)
BIGGEST_BYTES = 2_000_000
"""What result.json and report.html may be, whatever the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A run: how much is in it, and what judging it is promised to take. `events`: lines of the timeline, at least."""

    requests: int
    rollouts: int
    replicas: int
    failed: float
    events: int
    promised_s: float
    promised_mb: int


RUNS = {
    "few": Shape(
        requests=1_000_000, rollouts=20, replicas=10, failed=0.005, events=5000, promised_s=2.0, promised_mb=500
    ),
    "many": Shape(
        requests=1_000_000, rollouts=684, replicas=3, failed=0.05, events=5000, promised_s=2.0, promised_mb=500
    ),
    "huge": Shape(
        requests=10_000_000, rollouts=20, replicas=10, failed=0.005, events=5000, promised_s=10.0, promised_mb=2000
    ),
}


def make_run(folder: Path, shape: Shape) -> None:
    """A run directory of that shape, of at least 1000 requests per second."""
    folder.mkdir(parents=True)
    rate = max(1000.0, shape.requests / 1000.0)
    period = (shape.requests / rate - CONTROL_S) / shape.rollouts
    updates = CONTROL_S + period * np.arange(shape.rollouts)
    _timeline(folder, shape, updates, period)
    _requests(folder, shape, rate, updates, period)
    info = {
        "format": 1,
        "experiment": "bench",
        "scenario": "default",
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


def _requests(folder: Path, shape: Shape, rate: float, updates: np.ndarray, period: float) -> None:
    n, replicas, random = shape.requests, shape.replicas, np.random.default_rng(SEED)
    scheduled = np.arange(n) / rate
    started = scheduled + random.uniform(0.0002, 0.002, n)
    at = np.searchsorted(updates, scheduled, side="right") - 1
    into = np.where(at < 0, -1.0, (scheduled - updates[at]) / period)
    kept = np.arange(n) % 2 == 1
    losing = (into > 0.05) & (into < 0.45) & ~kept
    failed = losing & (random.random(n) < shape.failed * n / losing.sum())
    refused = failed & (random.random(n) < 0.3)
    took = random.uniform(0.0005, 0.003, n)
    ended = started + np.where(failed & ~refused, 1.0005, took)
    pod = random.integers(0, replicas, n) + replicas * np.maximum(at, 0)
    shown = np.where(failed, np.nan, started)
    names = np.array([_name(i, replicas) for i in range(shape.rollouts * replicas)], dtype=object)
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


def _timeline(folder: Path, shape: Shape, updates: np.ndarray, period: float) -> None:
    lines: list[tuple[float, str, str, dict[str, Any]]] = []
    replicas = shape.replicas
    for i, update in enumerate(updates):
        lines.append((float(update), "Mark", "update", {"rollout": i}))
        lines.append((float(update + period * 0.5), "Mark", "complete", {}))
        lines.append((float(update + period * 0.6), "Mark", "settled", {}))
        for j in range(replicas):
            t = float(update + period * (0.05 + 0.4 * j / replicas))
            short = min(1.0, period / 20.0)  # of what takes a pod a second
            lines += _starts(i * replicas + j, replicas, t, short)
            lines += _stops((i - 1) * replicas + j, replicas, t + 0.3 * short, short)
            lines.append((t + 0.32 * short, "EndpointSlice", "MODIFIED", _slice(i, j, replicas)))
    filler = {"reason": "Pulled", "message": "Container image already present on machine", "padding": "x" * 900}
    lines += [
        (float(t), "Event", "ADDED", filler) for t in np.linspace(0, updates[-1], max(0, shape.events - len(lines)))
    ]
    lines.sort(key=lambda line: line[0])
    with (folder / "timeline.jsonl").open("w") as file:
        for t, kind, type_, obj in lines:
            file.write(json.dumps({"t": round(t, 4), "kind": kind, "type": type_, "object": obj}) + "\n")


def _name(number: int, replicas: int) -> str:
    return f"web-{number // replicas:x}-{number:05d}" if number >= 0 else f"web-first-{number + replicas:05d}"


def _starts(number: int, replicas: int, t: float, short: float) -> list[tuple[float, str, str, dict[str, Any]]]:
    return [
        _seen(number, replicas, t, "ADDED", ready=False),
        _seen(number, replicas, t + 0.2 * short, "MODIFIED", ready=False),
        _seen(number, replicas, t + 0.3 * short, "MODIFIED", ready=True),
    ]


def _stops(number: int, replicas: int, t: float, short: float) -> list[tuple[float, str, str, dict[str, Any]]]:
    deleted = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    over = {"terminated": {"exitCode": 0}}
    return [
        _seen(number, replicas, t, "MODIFIED", ready=True, **deleted),
        _seen(number, replicas, t + 0.4 * short, "MODIFIED", ready=False, state=over, **deleted),
        _seen(number, replicas, t + 0.6 * short, "DELETED", ready=False, state=over, **deleted),
    ]


def _seen(
    number: int, replicas: int, at: float, type_: str, *, ready: bool, **more: Any
) -> tuple[float, str, str, dict[str, Any]]:
    labels = {"pod-template-hash": str(number // replicas)}
    metadata = {"name": _name(number, replicas), "uid": f"uid-{number}", "labels": labels}
    probe = {"readinessProbe": {"httpGet": {"port": 80}}, "env": [{"name": "A", "value": "x" * 400}]}
    containers = [{"name": "web", "restartCount": 0, "state": more.pop("state", {"running": {}})}]
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": str(ready)}],
        "containerStatuses": containers,
    }
    return at, "Pod", type_, {"metadata": metadata | more, "spec": {"containers": [probe]}, "status": status}


def _slice(rollout: int, replaced: int, replicas: int) -> dict[str, Any]:
    numbers = [(rollout if j <= replaced else rollout - 1) * replicas + j for j in range(replicas)]
    ready = {"ready": True, "serving": True, "terminating": False}
    endpoints = [
        {
            "addresses": [f"10.0.0.{j}"],
            "conditions": ready,
            "targetRef": {"name": _name(n, replicas), "uid": f"uid-{n}"},
        }
        for j, n in enumerate(numbers)
    ]
    return {"metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}}, "endpoints": endpoints}


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What judging took once, and the sizes of what it wrote, in bytes by the path below the run."""

    wall_s: float
    cpu_s: float
    memory_mb: int
    written: dict[str, int]


def measure(run: Path) -> Took:
    """`harness report` on the run, once."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "harness", "report", str(run)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
        raise SystemExit(f"report ended with {os.waitstatus_to_exitcode(status)}")
    made = (run / name for name in WRITTEN)
    return Took(
        wall_s=wall_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        memory_mb=usage.ru_maxrss // 1024,
        written={str(path.relative_to(run)): path.stat().st_size for path in made if path.exists()},
    )


def bench(name: str, shape: Shape, times: int) -> bool:
    """Judge a run of that shape so often, tell what it took, and whether that is within what is promised."""
    with tempfile.TemporaryDirectory(prefix="judging-") as scratch:
        # In a process of its own: a child's largest resident set begins with that of the process that starts it.
        made = Path(scratch) / "default"
        maker = multiprocessing.get_context("spawn").Process(target=make_run, args=(made, shape))
        maker.start()
        maker.join()
        runs = [measure(made) for _ in range(times)]
        whole = measure(Path(scratch))  # with the reports of the experiment, HTML among them
    wall_s = min(run.wall_s for run in runs)  # what others do on the machine only adds time
    cpu_s, memory_mb = min(run.cpu_s for run in runs), max(run.memory_mb for run in runs)
    print(
        f"{name}: {shape.requests:,} requests in {shape.rollouts} rollouts, {shape.failed:.1%} failed: "
        f"{wall_s:.2f} s, CPU {cpu_s:.2f} s, {memory_mb} MB (promised: {shape.promised_s:g} s, {shape.promised_mb} MB)"
    )
    print(f"  with the experiment's reports: {whole.wall_s:.2f} s, CPU {whole.cpu_s:.2f} s, {whole.memory_mb} MB")
    print("  " + ", ".join(f"{path} {size / 1000:,.0f} kB" for path, size in whole.written.items()))
    bounded = all(size <= BIGGEST_BYTES for path, size in whole.written.items() if not path.endswith(".csv"))
    return bounded and wall_s <= shape.promised_s and memory_mb <= shape.promised_mb


def main() -> int:
    """Measure each run asked for; 1 where a promise was not held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", choices=RUNS, action="append", help="default: few and many")
    parser.add_argument("--times", type=int, default=5, help="how often each is judged; the least time counts")
    parser.add_argument("--keep", type=Path, help="only make the runs, below this folder")
    asked = parser.parse_args()
    names = asked.run or ["few", "many"]
    if asked.keep:
        for name in names:
            make_run(asked.keep / name / "default", RUNS[name])
        return 0
    held = [bench(name, RUNS[name], asked.times) for name in names]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
