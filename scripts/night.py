"""An experiment of many rollouts -> its memory and the lag of its load, at begin, middle and end: a night in short.

`python -m scripts.night [--rollouts 200] [--out DIR]` rolls nginx on a sandbox so often in one run, with short quiet
times, and samples every process of the run meanwhile. Prints resident memory (of the harness, and of all its processes
together), lag of the load (p50, p99) and requests, each as medians of the first, the middle and the last tenth of the
run, and ends with 1 where memory grew by more than a tenth, or the lag's median by more than 1 ms. Some twenty minutes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

EXPERIMENT = """\
version: 1
name: night
manifests: [{manifests}]
service: {{name: web, port: 80}}
cluster: {{sandbox: {{proxy: {{minSyncPeriod: 200ms}}}}}}
update: {{image: {{nginx: ["nginx:1.29.1", "nginx:1.28.0"]}}}}
rollouts: {rollouts}
control: 5s
quiet: 500ms
rollout_timeout: 120s
variants: {{default: {{expect: any}}}}
load: {{new: {{rate: 50}}, kept: {{rate: 50}}, pod_header: X-Pod}}
"""
MANIFESTS = Path(__file__).parents[1] / "fixtures" / "manifests" / "nginx.yaml"
EVERY_S = 2.0
MOST_GROWTH, MOST_DRIFT_MS = 1.1, 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Resident memory in MB at a moment: of the harness itself, and of it and all below it."""

    t: float
    harness_mb: float
    all_mb: float


def sampled(process: subprocess.Popen[bytes]) -> list[Sample]:
    """What the run takes, until it ends."""
    found: list[Sample] = []
    start = time.monotonic()
    while process.poll() is None:
        sizes = _sizes(process.pid)
        if process.pid in sizes:
            moment = time.monotonic() - start
            found.append(Sample(moment, sizes[process.pid] / 1e3, sum(sizes.values()) / 1e3))
        try:
            process.wait(EVERY_S)
        except subprocess.TimeoutExpired:
            continue
    return found


def _sizes(root: int) -> dict[int, int]:
    """Resident memory in kB of a process and all below it, by pid."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout
    rows = {int(pid): (int(parent), int(size)) for pid, parent, size in map(str.split, listed.splitlines())}
    found: dict[int, int] = {}
    for pid, (_, size) in rows.items():
        at, above = pid, set()
        while at in rows and at not in above:
            if at == root:
                found[pid] = size
                break
            above.add(at)
            at = rows[at][0]
    return found


def tenths(values: Sequence[float]) -> tuple[float, float, float]:
    """Medians of the first tenth, of the one in the middle, and of the last."""
    part = max(1, len(values) // 10)
    middle = (len(values) - part) // 2
    return median(values[:part]), median(values[middle : middle + part]), median(values[-part:])


def main() -> int:
    """Run it and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, default=200)
    parser.add_argument("--out", type=Path, help="Folder of the run; default: one that is removed.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="night-") as scratch:
        out = asked.out or Path(scratch) / "run"
        file = Path(scratch) / "experiment.yaml"
        file.write_text(EXPERIMENT.format(manifests=MANIFESTS, rollouts=asked.rollouts))
        command = [sys.executable, "-m", "harness", "run", str(file), "--out", str(out), "--yes"]
        with (Path(scratch) / "progress").open("wb") as progress:
            process = subprocess.Popen(command, stderr=progress)
            samples = sampled(process)
        return told(out / "default", samples)


def told(run: Path, samples: Sequence[Sample]) -> int:
    """Print what was seen, begin, middle and end; 1 where it is not flat."""
    seconds = [json.loads(line) for line in (run / "workers.jsonl").read_text().splitlines()]
    begun = seconds[0]["t"]  # set-up and judging are no part of the night
    over = seconds[-1]["t"]
    during = [one for one in samples if begun <= one.t <= over] or list(samples)
    harness, every = (tenths([getattr(one, name) for one in during]) for name in ("harness_mb", "all_mb"))
    lags = {name: tenths([second[name] or 0.0 for second in seconds]) for name in ("lag_p50_ms", "lag_p99_ms")}
    rows = {"harness, MB": harness, "all processes, MB": every, "lag p50, ms": lags["lag_p50_ms"]}
    rows["lag p99, ms"] = lags["lag_p99_ms"]
    print(f"{'':20} {'begin':>8} {'middle':>8} {'end':>8}")
    for name, (first, middle, last) in rows.items():
        print(f"{name:20} {first:8.2f} {middle:8.2f} {last:8.2f}")
    result = json.loads((run / "result.json").read_text()) if (run / "result.json").exists() else {}
    print(f"{over - begun:.0f} s of load; {result.get('sentence', 'not judged')}")
    flat = every[2] <= MOST_GROWTH * every[0] and harness[2] <= MOST_GROWTH * harness[0]
    return 0 if flat and lags["lag_p50_ms"][2] - lags["lag_p50_ms"][0] <= MOST_DRIFT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
