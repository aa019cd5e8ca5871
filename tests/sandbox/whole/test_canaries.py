"""No secret of an application, and none of the load, stands in anything that the harness writes, however it got there.

A real run against a cluster that is reached by a context, with an application that prints its environment on stderr and
echoes what it was sent. Each secret is a canary that is looked for plain, in base64 and as an answer's cell shows it.
"""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from wholecluster import cluster_of

from harness.load.records import safe
from harness.sandbox.images import Image
from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wholecluster import Cluster

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

APPLICATION = Path(__file__).parents[1] / "echo_app.py"
NAMES = ("env", "url", "secret", "encoded", "argument", "probe", "hook", "applied", "config")
NAMES += ("authorization", "cookie", "tenant")
CANARIES = {name: f"c4n4ry/{name}+9f8e7d" for name in NAMES}
HARNESS = (sys.executable, "-m", "harness")
KUBECTL = Path(sys.executable).parent / "kubectl"

EXPERIMENT = """\
version: 1
name: canaries
manifests: [web.json]
service: {name: web, port: 80}
update: {image: {web: [IMAGE]}}
rollouts: 1
control: 1s
quiet: 2s
rollout_timeout: 20s
request:
  headers:
    Authorization: {env: LOAD_AUTHORIZATION}
    Cookie: session=COOKIE
    X-Tenant: TENANT
load: {new: {rate: 40}, pod_header: X-Pod}
"""


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def manifests() -> list[dict[str, Any]]:
    leak = "test -e /tmp/once || { touch /tmp/once; env | grep CANARY >&2; exit 1; }"
    last = {"apiVersion": "v1", "kind": "Secret", "stringData": {"a": CANARIES["applied"]}}
    header = {"name": "X-Probe", "value": CANARIES["probe"]}
    container = {
        "name": "web",
        "image": "echo:1",
        "args": ["serve", f"--password={CANARIES['argument']}"],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "env": [
            {"name": "CANARY_A", "value": CANARIES["env"]},
            {"name": "CANARY_B", "value": f"postgres://shop:{CANARIES['url'].replace('/', '.')}@db/shop"},
            {"name": "CANARY_C", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "plain"}}},
            {"name": "CANARY_D", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "encoded"}}},
            {"name": "CANARY_E", "value": CANARIES["hook"]},
            {"name": "CANARY_MODE", "value": "Running"},
        ],
        "ports": [{"containerPort": 8080}],
        "startupProbe": {"exec": {"command": ["sh", "-c", leak]}, "periodSeconds": 1},
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080, "httpHeaders": [header]}, "periodSeconds": 1},
        "lifecycle": {
            "preStop": {"exec": {"command": ["sh", "-c", f"true --token={CANARIES['hook']}; sleep 2; env >&2; exit 1"]}}
        },
    }
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(last)}
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels, "annotations": applied}, "spec": {"containers": [container]}}
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "keys"},
            "stringData": {"plain": CANARIES["secret"]},
            "data": {"encoded": encoded(CANARIES["encoded"])},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "web"},
            "data": {"app.conf": f"db_password = {CANARIES['config']}\nmode = fast\n"},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "annotations": applied},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ]


def found(text: str) -> set[str]:
    """The canaries in a text, whatever a terminal's width or an encoding made of them."""
    letters = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\s", "", text)
    return {name for name, canary in CANARIES.items() if any(form in letters for form in shapes(canary))}


def shapes(canary: str) -> set[str]:
    plain = {canary, canary.replace("/", "."), json.dumps(canary)[1:-1], safe(canary)}
    return plain | {encoded(at + canary)[4 * bool(at) : -4] for at in ("", "abc", "ab", "a")}


@pytest.fixture(scope="module")
async def echoing(anyio_backend: str) -> AsyncIterator[Cluster]:
    places = (sys.prefix, sys.base_prefix, str(APPLICATION.parent))
    images = tuple(
        Image(
            name=name, entrypoint=(sys.executable, "-I", str(APPLICATION)), command=(what,), shared=places, fixed=fixed
        )
        for name, what, fixed in (("echo:1", "serve", False), ("echo:2", "serve", False), ("echo:3", "broken", True))
    )
    async with cluster_of(Settings(images=images)) as started:
        yield started


class Run:
    """A run of the command line on a terminal of its own, or into a pipe."""

    def __init__(self, folder: Path, kubeconfig: dict[str, Any], image: str, *, terminal: bool) -> None:
        (folder / "web.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests()}))
        text = EXPERIMENT.replace("IMAGE", image).replace("COOKIE", CANARIES["cookie"])
        (folder / "experiment.yaml").write_text(text.replace("TENANT", CANARIES["tenant"]))
        (folder / "kubeconfig").write_text(json.dumps(kubeconfig))
        self.environment = {
            **os.environ,
            "KUBECONFIG": str(folder / "kubeconfig"),
            "LOAD_AUTHORIZATION": f"Bearer {CANARIES['authorization']}",
            "TERM": "xterm",
            "COLUMNS": "100",
        }
        self.folder, self.shown, self.cluster = folder / "run", "", ""
        where = ("--cluster", "context:sandbox", "--worker-image", "rollout-harness:local", "--yes")
        command = [*HARNESS, "run", str(folder / "experiment.yaml"), "--out", str(self.folder), *where]
        reader, writer = pty.openpty() if terminal else os.pipe()
        with subprocess.Popen(command, stdout=writer, stderr=writer, env=self.environment) as process:
            os.close(writer)
            reading = threading.Thread(target=self._read, args=(reader,))
            reading.start()
            self._look_at_the_cluster(process)
            self.code = process.wait(timeout=120)
            reading.join()

    def _read(self, descriptor: int) -> None:
        pieces = []
        try:
            while piece := os.read(descriptor, 65536):
                pieces.append(piece)
        except OSError:  # a terminal that nobody writes to any more
            pass
        os.close(descriptor)
        self.shown = b"".join(pieces).decode(errors="replace")

    def _look_at_the_cluster(self, process: subprocess.Popen[bytes]) -> None:
        """What the API shows of the objects that are ours, while requests are being sent."""
        deadline = time.monotonic() + 60
        rows = self.folder / "default" / "requests.csv"
        while not (rows.is_file() and rows.read_bytes().count(b"\n") > 20):
            assert process.poll() is None, "it ended without load"
            assert time.monotonic() < deadline, "after 60 s there is no load"
            time.sleep(0.05)
        ours = "app.kubernetes.io/name=rollout-harness-load"
        self.cluster = self._kubectl("get", "pods,secrets", "-A", "-l", ours, "-o", "json")
        self.cluster += self._kubectl("get", "namespaces", "-o", "json")

    def _kubectl(self, *words: str) -> str:
        done = subprocess.run(
            [KUBECTL, *words], capture_output=True, text=True, env=self.environment, check=True, timeout=200
        )
        return done.stdout


@pytest.mark.parametrize(
    ("image", "terminal"),
    [
        pytest.param("echo:2", False, id="rolled"),
        pytest.param("echo:3", True, id="held up", marks=pytest.mark.slow),
    ],
)
async def test_no_canary_gets_out(echoing: Cluster, tmp_path: Path, image: str, terminal: bool) -> None:
    run = Run(tmp_path, echoing.sandbox.kubeconfig, image, terminal=terminal)
    written = {str(file): file.read_text() for file in run.folder.rglob("*") if file.is_file()}
    assert any(name.endswith("report.html") for name in written), run.shown
    assert any(name.endswith("report.md") for name in written)
    leaks = {name: canaries for name, text in written.items() if (canaries := found(text))}
    assert leaks == {}
    assert found(run.shown) == set()
    assert found(run.cluster) == set()
    # What was to leak has been there, with a digest in its place, and the same value has the same digest everywhere.
    timeline, rows = (written[str(run.folder / "default" / name)] for name in ("timeline.jsonl", "requests.csv"))
    assert "trouble, with" in timeline
    assert "Startup probe failed: CANARY_A=<redacted hmac:" in timeline
    assert re.search(r",via <redacted hmac:|; via <redacted hmac:", rows)
    (value,) = {item["value"] for item in variables(json.loads(written[str(run.folder / "default" / "run.json")]))}
    assert f"CANARY_A={value}" in timeline
    assert '"rollout-harness-load-0"' in run.cluster
    assert '"kind": "Secret"' not in run.cluster  # gone as soon as the worker runs
    assert run.code == (3 if image == "echo:3" else 0), run.shown
    if image == "echo:3":
        assert "held up" in run.shown


def variables(run_json: dict[str, Any]) -> list[dict[str, Any]]:
    """The variable CANARY_A in the manifests of a run."""
    (workload,) = [each for each in run_json["manifests"] if each["kind"] == "Deployment"]
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    return [item for item in container["env"] if item["name"] == "CANARY_A"]


def test_a_canary_would_be_found() -> None:
    for name, canary in CANARIES.items():
        for text in (canary, f"a{canary}b", "\n".join(canary), encoded(f"xy{canary}"), safe(canary)):
            assert found(text) == {name}, text
