"""An application that does not come up: the reason is told early, with its own last words, and it is taken back.

The application is a small server of Python's own, run from the command line as people do.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest
from needs import missing

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(missing()), reason=" ".join(missing())),
]

APPLICATION = """\
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Till(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

if os.environ.get("DATABASE"):
    print("the till opens", flush=True)
    sys.exit(f"\\x1b[31mno database\\x1b[0m at {os.environ['DATABASE']}")
ThreadingHTTPServer(("", 8080), Till).serve_forever()
"""
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: till}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: till}}}}
  template:
    metadata: {{labels: {{app: till}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: till
          image: till:1
          ports: [{{containerPort: 8080}}]
          readinessProbe: {{httpGet: {{path: {path}, port: {port}}}, periodSeconds: 1}}
          {more}
---
apiVersion: v1
kind: Service
metadata: {{name: till}}
spec: {{selector: {{app: till}}, ports: [{{port: 80, targetPort: 8080}}]}}
"""
EXPERIMENT = """\
version: 1
name: till
manifests: [till.yaml]
target: deployment/till
service: {{name: till, port: 80}}
update: restart
rollouts: 1
control: 1s
rollout_timeout: {timeout}
images: {{"till:1": {{command: ["{{python}}", {application}]}}}}
load: {{new: {{rate: 20}}}}
"""


def ended(
    folder: Path,
    *,
    path: str = "/",
    port: int = 8080,
    more: str = "",
    timeout: str = "5s",
    arguments: tuple[str, ...] = (),
) -> list[str]:
    """What a run says on standard error that ends with exit code 2."""
    application = folder / "application.py"
    application.write_text(APPLICATION)
    (folder / "till.yaml").write_text(MANIFEST.format(path=path, port=port, more=more))
    experiment = folder / "experiment.yaml"
    experiment.write_text(EXPERIMENT.format(timeout=timeout, application=json.dumps(str(application))))
    command = [sys.executable, "-m", "harness", "run", str(experiment), "--cluster", "sandbox", *arguments]
    done = subprocess.run(
        [*command, "--out", str(folder / "run")], capture_output=True, text=True, timeout=100, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 2, done.stderr
    assert not (folder / "run").exists()
    return done.stderr.splitlines()


def told(lines: list[str], words: str) -> str:
    """The first line that says so, with the lines into which it was broken."""
    found = [at for at, line in enumerate(lines) if words in line]
    assert found, lines
    rest = takewhile(re.compile(r" {4,6}(?![ |])").match, lines[found[0] + 1 :])
    return " ".join([lines[found[0]], *map(str.strip, rest)])


TAKEN_BACK = "default: nothing was rolled; what had been deployed was taken back"


def test_a_program_that_is_not_in_the_path_ends_the_wait_within_ten_seconds(tmp_path: Path) -> None:
    lines = ended(tmp_path, more="command: [pyton3, application.py]", timeout="60s")
    assert 'StartError (exec: "pyton3": executable file not found in $PATH)' in told(lines, "held up: ")
    error = told(lines, "error: ")
    waited = re.match(r"error: waiting (\d+) s for deployment/till", error)
    assert waited is not None, error
    assert int(waited[1]) < 10
    assert error.endswith("No waiting mends that. Correct its command, or name an image that has it.")
    assert lines[-1] == TAKEN_BACK


def test_a_crash_is_told_with_its_exit_code_and_the_end_of_its_log(tmp_path: Path) -> None:
    lines = ended(tmp_path, more='env: [{name: DATABASE, value: "shop:5432"}]')
    assert "its last end was exit code 1" in told(lines, "held up: ")
    said = ["| the till opens", "| no database at <redacted"]  # what stands in an env has a door
    for before in ("    ", "  "):  # below what holds it up, and below the error
        below = [before + line for line in said]
        assert [line.split(" hmac:")[0] for line in lines if line.startswith(tuple(below))][:2] == below
    assert "its last end was exit code 1" in told(lines, "error: ")  # in a crash loop, where that was quick
    assert lines[-1] == TAKEN_BACK


@pytest.mark.parametrize(
    ("probe", "says", "do"),
    [
        (
            {"port": 8081},
            "connect: connection refused",
            "Nothing listens on port 8081 (its container declares 8080): see its log for why, or correct the probe's "
            "port.",
        ),
        (
            {"path": "/healthz"},
            "HTTP probe failed with statuscode: 404",
            "It listens, and has nothing at that path: correct the probe's httpGet.path.",
        ),
    ],
    ids=["port", "path"],
)
def test_a_probe_that_cannot_succeed_is_told_at_once_with_what_mends_it(
    tmp_path: Path, probe: dict[str, int | str], says: str, do: str
) -> None:
    lines = ended(tmp_path, **probe)  # type: ignore[arg-type]
    held_up = told(lines, "held up: ")
    assert "Readiness probe failed" in held_up
    assert says in held_up
    assert told(lines, "error: ").endswith(do)
    assert sum("held up: " in line for line in lines) == 1  # both pods are held up alike
