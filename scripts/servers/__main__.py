"""Install nothing, run everything: `python -m scripts.servers [--out DIR] [--page docs/servers.md]`.

Each server is built where it must be, stopped, rolled in four variants on a sandbox of its own, and judged; four at a
time, since a rollout is mostly waiting. What is there already is kept with --again: only the findings are made anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import anyio

from scripts.servers.catalogue import SERVERS, build, version
from scripts.servers.findings import write_findings
from scripts.servers.page import page
from scripts.servers.rollouts import recorded, server_experiment
from scripts.servers.stop import stop_of
from scripts.servers.truth import STOP

_SERVER_S = 900


def found(name: str, out: Path, *, again: bool) -> None:
    """The findings of one server, from what it does now or, `again`, from what it did."""
    build(name)  # an experiment whose program is not there cannot be read
    folder = out / name
    runs = [folder / variant for variant in server_experiment(name).variants]
    stop = folder / STOP
    if not (again and stop.is_file()):
        folder.mkdir(parents=True, exist_ok=True)
        stop.write_text(json.dumps(stop_of(name), indent=1) + "\n")
    if not (again and all(run.is_dir() for run in runs)):
        runs = anyio.run(partial(recorded, name, out))
    write_findings(folder, name, version(name), json.loads(stop.read_text()), runs)


def _in_its_own_process(name: str, out: Path, *, again: bool) -> str:
    command = [sys.executable, "-m", "scripts.servers", "--out", str(out), "--one", name, *["--again"] * again]
    started = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SERVER_S, check=False)
        said = done.stderr.strip().splitlines()[-1:] or ["failed"] if done.returncode else ["done"]
    except subprocess.TimeoutExpired:
        done, said = None, [f"not at its end, and ended: a server has {_SERVER_S} s"]
    print(f"{name}: {said[0]} ({time.monotonic() - started:.0f} s)", flush=True)
    return "" if done and not done.returncode else name


def main(arguments: list[str]) -> int:
    """0 where every server has its findings, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.servers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("reports/servers"), metavar="DIR")
    parser.add_argument("--page", type=Path, metavar="FILE")
    parser.add_argument("--only", nargs="+", choices=list(SERVERS), default=list(SERVERS), metavar="NAME")
    parser.add_argument("--one", choices=list(SERVERS), help=argparse.SUPPRESS)
    parser.add_argument("--again", action="store_true", help="judge what is there once more")
    parser.add_argument("--at-a-time", type=int, default=4, metavar="N")
    asked = parser.parse_args(arguments)
    if asked.one:
        found(asked.one, asked.out, again=asked.again)
        return 0
    with ThreadPoolExecutor(asked.at_a_time) as pool:
        failed = [
            name
            for name in pool.map(partial(_in_its_own_process, out=asked.out, again=asked.again), asked.only)
            if name
        ]
    if failed:  # a page that lacks servers must not take the place of one that has them
        print(f"no page was written: there is nothing of {', '.join(failed)}", file=sys.stderr)
        return 1
    written = page(asked.out)
    if asked.page:
        asked.page.write_text(written)
    else:
        print(written)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
