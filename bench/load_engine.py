"""The load engine against a local nginx: how well it keeps its schedule, and CPU per request beside wrk.

    python bench/load_engine.py [--rate 1000] [--seconds 4] [--runs 3]

The nginx is our own, on an ephemeral port of loopback, with one worker process. wrk is no open loop: it sends as fast
as it can, so it is asked for its CPU time per request only. On two cores shared with nginx and others, figures of one
run differ from the next by some tens of per cent: look at the ratio and the median of three.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.load import Engine, Plan, Statistics, Stream, parse_line, plan_json
from harness.model.request import Request

CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port} backlog=4096; add_header X-Pod web-1; location / {{ return 200 "hello\\n"; }} }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of the engine: lags in ms, CPU in microseconds per request."""

    requests: int
    failed: int
    unsent: int
    lag_p50_ms: float
    lag_p99_ms: float
    lag_max_ms: float
    cpu_us: float


@contextlib.contextmanager
def nginx() -> Iterator[str]:
    """The URL of an nginx that ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder, port=port), encoding="utf-8")
        command = ["nginx", "-p", folder, "-c", str(configuration), "-e", f"{folder}/error.log"]
        with subprocess.Popen(command) as server:
            try:
                _await_listening(port, server)
                yield f"http://127.0.0.1:{port}/"
            finally:
                server.terminate()


def _await_listening(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise SystemExit("nginx did not come up within 10 s; its word is above")


def ours(url: str, stream: Stream, seconds: float, engine: Engine = Engine.ASYNCIO) -> Measured:
    """Run a worker and read what it wrote."""
    plan = Plan(
        url=url,
        streams=(stream,),
        t0_monotonic_ns=time.monotonic_ns(),
        start_s=1.0,
        duration_s=seconds,
        engine=engine,
        source_addresses=("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"),
        ports=((10240, 32000),),
    )
    command = [sys.executable, "-m", "harness.load"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(plan_json(plan) + "\n")
        worker.stdin.flush()
        said = worker.stdout.readlines()
    lines = [parse_line(line) for line in said]  # afterwards, so that reading does not take the worker's CPU
    requests = [line for line in lines if isinstance(line, Request)]
    # Without the first second of statistics, which holds the start of the interpreter and the wait for the plan.
    steady = [line for line in lines if isinstance(line, Statistics)]
    lags_ms = sorted((r.started - r.scheduled) * 1000 for r in requests if r.started is not None)
    busy = [second for second in steady[1:-1] if second.sent]
    return Measured(
        requests=len(requests),
        failed=sum(r.outcome.failed for r in requests),
        unsent=sum(r.started is None for r in requests),
        lag_p50_ms=lags_ms[len(lags_ms) // 2],
        lag_p99_ms=lags_ms[len(lags_ms) * 99 // 100],
        lag_max_ms=lags_ms[-1],
        cpu_us=1e6 * sum(second.cpu for second in busy) / sum(second.sent for second in busy),
    )


def wrk_cpu_us(url: str, kept: bool, seconds: float) -> float:
    """CPU microseconds per request of wrk, user and system, from the operating system's own account."""
    command = ["wrk", "-t1", "-c10", f"-d{max(1, round(seconds))}s", url]
    if not kept:
        command[1:1] = ["-H", "Connection: close"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    found = re.search(r"(\d+) requests in", said)
    if not found:
        raise SystemExit(f"wrk did not say how many requests it made:\n{said}")
    return 1e6 * (usage.ru_utime + usage.ru_stime) / int(found[1])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rate", type=float, default=1000.0)
    arguments.add_argument("--seconds", type=float, default=4.0)
    arguments.add_argument("--runs", type=int, default=3)
    asked = arguments.parse_args()
    if missing := [tool for tool in ("nginx", "wrk") if shutil.which(tool) is None]:
        raise SystemExit(f"this bench needs {' and '.join(missing)}: apt-get install nginx-light wrk")
    result = {}
    print("stream  rate/s  failed  lag p50     p99   max ms  us/req    wrk  ratio")
    with nginx() as url:
        # wrk is measured at full speed, where every wake-up serves many requests, hence ours at a higher rate too.
        for name, connections, times in (("new", 0, 1), ("kept", 50, 1), ("new", 0, 2.5), ("kept", 50, 5)):
            rate = asked.rate * times
            stream = Stream(name=name, rate_per_s=rate, connections=connections)
            runs = sorted((ours(url, stream, asked.seconds) for _ in range(asked.runs)), key=lambda run: run.lag_p99_ms)
            run, cpu_us = runs[len(runs) // 2], statistics.median(run.cpu_us for run in runs)
            beside = wrk_cpu_us(url, bool(connections), asked.seconds / 2)
            result[f"{name} {rate:.0f}/s"] = {"lag_p99_ms": run.lag_p99_ms, "cpu_us": cpu_us, "wrk_cpu_us": beside}
            print(
                f"{name:<6}{rate:>8.0f}{run.failed + run.unsent:>8}{run.lag_p50_ms:>9.2f}{run.lag_p99_ms:>8.2f}"
                f"{run.lag_max_ms:>9.2f}{cpu_us:>8.0f}{beside:>7.0f}{cpu_us / beside:>7.1f}"
            )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
