"""Recordings of a real cluster -> the small ones in this folder: fewer rollouts of the same run, nothing else changed.

    python tests/recordings/make.py [SOURCE] [--into DIR]

SOURCE holds run directories of format 1 with truth.csv, and expected.json beside them; by default `../shared/rich`
beside the checkout. A cut keeps the beginning of a run, until 6 s after the last rollout that it keeps has settled:

- timeline.jsonl: every line before that moment, its JSON written without spaces; kinds that are named as left out go;
- requests.csv: of each worker and stream everything before the first request that had not ended by then, as if the load
  had been stopped so that all in flight could end. Streams that are named as left out go whole;
- truth.csv: the rows of those that failed, and of the last connection to each pod, against which removal lags are
  held: no more of it is read;
- run.json: `rollouts` and `streams` as they are left, `load.stopped` and `load.requests` likewise, and `cut`, which
  says what was done;
- expected.json: the same verdict, and which of the rollouts that are left dropped calls.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parents[2] / "shared" / "rich"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What is kept of one recording: its first rollouts, without some streams of requests and kinds of objects."""

    name: str
    rollouts: int = 1
    without_streams: tuple[str, ...] = ()
    without_kinds: tuple[str, ...] = ()


CUTS = (
    Cut(name="default-3replicas-sync1s"),
    Cut(name="mitigated-3replicas-sync1s", without_streams=("kept",), without_kinds=("Event",)),
    Cut(name="sigterm-stop"),
    Cut(name="app-errors", without_streams=("kept", "slow"), without_kinds=("Event",)),
    # Its kept connections use ports of the same range: without them, not every stale entry can be explained.
    Cut(name="stale-conntrack-port-reuse", rollouts=2),
)

QUIET_S = 6.0
"""What the recordings wait between two rollouts, or less than that: no cut sees the beginning of the next."""

Row = dict[str, str]


def make(source: Path, into: Path, cuts: Sequence[Cut] = CUTS) -> None:
    """Write every cut and their expected.json into a folder."""
    expected = json.loads((source / "expected.json").read_text())
    for cut in cuts:
        (into / cut.name).mkdir(parents=True, exist_ok=True)
        _write(source / cut.name, into / cut.name, cut)
    known = {
        cut.name: {"verdict": expected[cut.name]["verdict"], "rollouts": expected[cut.name]["rollouts"][: cut.rollouts]}
        for cut in cuts
    }
    (into / "expected.json").write_text(json.dumps(known, indent=1) + "\n")


def _write(source: Path, into: Path, cut: Cut) -> None:
    info: dict[str, Any] = json.loads((source / "run.json").read_text())
    until = round(info["rollouts"][cut.rollouts - 1]["settled"] + QUIET_S, 4)
    fields, rows = _rows(source / "requests.csv")
    requests = _ended_by(until, [row for row in rows if row["stream"] not in cut.without_streams])
    _write_rows(into / "requests.csv", fields, requests)
    fields, rows = _rows(source / "truth.csv")
    _write_rows(into / "truth.csv", fields, _read_of_truth(requests, rows))
    seen = [json.loads(line) for line in (source / "timeline.jsonl").read_text().splitlines()]
    kept = [line for line in seen if line["t"] < until and line["kind"] not in cut.without_kinds]
    (into / "timeline.jsonl").write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in kept))
    info["rollouts"] = info["rollouts"][: cut.rollouts]
    info["streams"] = {name: rate for name, rate in info["streams"].items() if name not in cut.without_streams}
    info["load"] |= {"stopped": until, "requests": len(requests)}
    info["cut"] = {"until": until, **asdict(cut)}
    (into / "run.json").write_text(json.dumps(info, indent=1) + "\n")


def _ended_by(until: float, requests: list[Row]) -> list[Row]:
    """Those before the first of their worker and stream that had not ended by then."""
    first: dict[tuple[str, str], float] = {}
    for row in requests:
        if float(row["ended"]) >= until:
            key, scheduled = (row["stream"], row["worker"]), float(row["scheduled"])
            first[key] = min(scheduled, first.get(key, scheduled))
    return [row for row in requests if float(row["scheduled"]) < first.get((row["stream"], row["worker"]), until)]


def _read_of_truth(requests: list[Row], truth: list[Row]) -> list[Row]:
    started = {_id(row): row["started"] for row in requests if row["reused"] == "0" and row["started"]}
    last: dict[str, Row] = {}
    for row in truth:
        pod, one = row["sent_to_pod"], _id(row)
        if one not in started or row["cause"] == "stale-conntrack":
            continue
        if pod not in last or float(started[one]) > float(started[_id(last[pod])]):
            last[pod] = row
    kept, lasts = {_id(row) for row in requests}, {_id(row) for row in last.values()}
    return [row for row in truth if _id(row) in kept and (row["cause"] or _id(row) in lasts)]


def _id(row: Row) -> tuple[str, str, str]:
    return row["stream"], row["worker"], row["seq"]


def _rows(path: Path) -> tuple[Sequence[str], list[Row]]:
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        return reader.fieldnames or (), list(reader)


def _write_rows(path: Path, fields: Sequence[str], rows: list[Row]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: list[str]) -> int:
    """Write them; 2 where the source is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", type=Path, default=DEFAULT, metavar="SOURCE")
    parser.add_argument("--into", type=Path, default=HERE, metavar="DIR")
    asked = parser.parse_args(arguments)
    if not asked.source.is_dir():
        print(f"reading recordings: there is no folder {asked.source}", file=sys.stderr)
        return 2
    make(asked.source, asked.into)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
