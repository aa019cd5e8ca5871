"""Run directories of servers with their truth -> small archives that tests of the judge read.

    python -m scripts.servers.recording reports/servers tests/servers/recordings

An archive NAME-VARIANT.tar.xz holds what a judge reads of one run directory, and told.csv: `stream,worker,seq,cause,
detail` of every failed request, the kernel's and the servers' word together. The folder of this machine that stood in
the place of an emptyDir becomes /var/log/pods.
"""

from __future__ import annotations

import csv
import io
import sys
import tarfile
from pathlib import Path

from scripts.servers.rollouts import LOGS, server_names
from scripts.servers.truth import RequestLog, told

VARIANTS = ("default", "both")
FILES = ("run.json", "requests.csv", "timeline.jsonl", "workers.jsonl")
TOLD = "told.csv"


def archive(run: Path, out: Path) -> None:
    """Write one archive; the same run makes the same bytes."""
    logs = run.parent / LOGS
    truth = io.StringIO()
    writer = csv.writer(truth, lineterminator="\n")
    writer.writerow(("stream", "worker", "seq", "cause", "detail"))
    writer.writerows((*failure.key, failure.cause, failure.detail) for failure in told(run, _log(logs)))
    with tarfile.open(out, "w:xz") as packed:
        for name in FILES:
            _add(packed, name, (run / name).read_text().replace(str(logs.resolve()), "/var/log/pods"))
        _add(packed, TOLD, truth.getvalue())


def _log(logs: Path) -> RequestLog:
    return RequestLog.read(logs / "requests.log")


def _add(packed: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    member = tarfile.TarInfo(name)
    member.size = len(content)
    packed.addfile(member, io.BytesIO(content))


def main(arguments: list[str]) -> int:
    """Make them all."""
    runs, out = map(Path, arguments)
    out.mkdir(parents=True, exist_ok=True)
    for name in server_names():
        for variant in VARIANTS:
            archive(runs / name / variant, out / f"{name}-{variant}.tar.xz")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
