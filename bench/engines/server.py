"""An nginx of our own on loopback -> its URL, and how many requests it has had, whoever sent them."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

CONFIGURATION = """
daemon off; worker_processes 1; worker_rlimit_nofile 65536; pid {folder}/pid; error_log {folder}/error.log warn;
events {{ worker_connections 32768; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} backlog=4096; add_header X-Pod web-1;
    location / {{ return 200 "hello\\n"; }}
    location = /status {{ stub_status; }}
  }}
}}
"""
_REQUESTS = re.compile(rb"\n +\d+ +\d+ +(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running nginx: where it answers, and its processes."""

    url: str
    pid: int

    def requests(self) -> int:
        """How many requests it has had, without those that asked."""
        with urlopen(self.url + "status") as answer:
            found = _REQUESTS.search(answer.read())
        assert found
        return int(found[1])

    def pin(self, core: int) -> None:
        """Have all of it run on one core."""
        for pid in self._pids():
            os.sched_setaffinity(pid, {core})

    def go_first(self) -> None:
        """Have it run before what else runs on the machine, where we may."""
        with contextlib.suppress(OSError):
            for pid in self._pids():
                os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))

    def _pids(self) -> tuple[int, ...]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return (self.pid, *map(int, children))


@contextlib.contextmanager
def nginx() -> Iterator[Server]:
    """An nginx with one worker process that ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder, port=port), encoding="utf-8")
        command = ["nginx", "-p", folder, "-c", str(configuration), "-e", f"{folder}/error.log"]
        with subprocess.Popen(command) as server:
            try:
                _await_listening(port, server)
                there = Server(url=f"http://127.0.0.1:{port}/", pid=server.pid)
                there.go_first()
                yield there
            finally:
                server.terminate()


def _await_listening(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise SystemExit("nginx did not come up within 60 s; its word is above")
