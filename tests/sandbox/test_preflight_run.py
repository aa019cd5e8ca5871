"""A whole run by a user who may do what the Role of the fixtures says and no more, on a sandbox of somebody else.

His token ends in the middle and is had again from a plugin, the environment has a proxy that is away, and a budget in
the namespace allows no disruption: none of it changes anything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stalled import again_where_stalled, unless_stalled

pytestmark = [pytest.mark.sandbox, again_where_stalled, pytest.mark.timeout(300)]

HARNESS = (sys.executable, "-m", "harness")
KUBECTL = Path(sys.executable).parent / "kubectl"
NAME = f"before-{os.getpid()}"
EXPERIMENT = """\
version: 1
name: before
manifests: [{manifests}]
namespace: shop
service: {{name: web, port: 80}}
rollouts: 1
control: 3s
quiet: 1s
rollout_timeout: 30s
load: {{new: {{rate: 50}}, pod_header: X-Pod}}
"""
PLUGIN = """#!/bin/sh
here=$(dirname "$0")
echo run >> "$here/runs"
until [ -e "$here/token" ]; do sleep 0.05; done
printf '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "%s"}}' \
    "$(cat "$here/token")"
"""
BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 0, selector: {matchLabels: {app: web}}}
"""


class Shop:
    """The namespace, its administrator, and the user who may do little."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.folder, self.repository = folder, repository
        self.admin = {**os.environ, "KUBECONFIG": str(folder / "admin")}
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:1")
        self.user = {**os.environ, **proxies, "KUBECONFIG": str(folder / "config")}

    def kubectl(self, *words: str, given: str = "") -> str:
        done = subprocess.run(
            [KUBECTL, *words], capture_output=True, text=True, env=self.admin, timeout=200, check=False, input=given
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def open(self) -> None:
        """Make the namespace, the account, its rights, and the kubeconfig with the plugin."""
        self.kubectl("create", "namespace", "shop")
        self.kubectl("apply", "-n", "shop", "-f", "-", given=BUDGET)
        self.kubectl("apply", "-n", "shop", "-f", str(self.repository / "fixtures" / "manifests" / "rbac.yaml"))
        self.new_account()
        self.kubectl(
            "-n", "shop", "create", "rolebinding", "ada", "--role=rollout-harness", "--serviceaccount=shop:ada"
        )
        program = self.folder / "plugin"
        program.write_text(PLUGIN)
        program.chmod(0o700)
        config = json.loads(self.kubectl("config", "view", "--raw", "-o", "json"))
        config["users"][0]["user"] = {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": str(program),
                "interactiveMode": "Never",
            }
        }
        (self.folder / "config").write_text(json.dumps(config))

    def new_account(self) -> None:
        """Tokens of an account that was there before are no longer any good: who asks for one waits for the new one."""
        token, whole = self.folder / "token", self.folder / "token.new"
        token.unlink(missing_ok=True)
        self.kubectl("-n", "shop", "delete", "serviceaccount", "ada", "--ignore-not-found")
        self.kubectl("-n", "shop", "create", "serviceaccount", "ada")
        whole.write_text(self.kubectl("-n", "shop", "create", "token", "ada").strip())
        whole.rename(token)

    def objects(self) -> set[str]:
        kinds = "configmaps,secrets,services,deployments,replicasets,poddisruptionbudgets"
        return set(self.kubectl("-n", "shop", "get", kinds, "-o", "name").split())

    def staying_pods(self) -> list[str]:
        """Those that nobody has told to stop."""
        listed = json.loads(self.kubectl("-n", "shop", "get", "pods", "-o", "json"))["items"]
        return [pod["metadata"]["name"] for pod in listed if "deletionTimestamp" not in pod["metadata"]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Shop]:
    opened = Shop(tmp_path_factory.mktemp("shop"), repository)
    up = [*HARNESS, "sandbox", "up", "--name", NAME, "--kubeconfig", str(opened.folder / "admin")]
    subprocess.run(up, check=True, timeout=200)
    opened.open()
    yield opened
    subprocess.run([*HARNESS, "sandbox", "down", "--name", NAME], check=True, timeout=200)


def start(shop: Shop, out: Path) -> subprocess.Popen[str]:
    file = shop.folder / "experiment.yaml"
    file.write_text(EXPERIMENT.format(manifests=shop.repository / "fixtures" / "manifests" / "nginx-both.yaml"))
    there = ("--cluster", "context:sandbox", "--worker-image", "rollout-harness:local", "--yes")
    command = [*HARNESS, "run", str(file), "--out", str(out), *there]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=shop.user)


def test_a_run_with_only_these_rights_is_judged_and_leaves_the_namespace_as_it_was(shop: Shop, tmp_path: Path) -> None:
    before = shop.objects()
    process = start(shop, tmp_path / "run")
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if "control window" in line:
            shop.new_account()
            break
    _, rest = process.communicate(timeout=150)
    judged = tmp_path / "run" / "default" / "result.json"
    assert judged.exists(), "".join([*said, rest])
    result: dict[str, Any] = json.loads(judged.read_text())
    unless_stalled(result["reason"])
    assert process.returncode == 0, "".join([*said, rest])
    assert [line for line in said if line.startswith(("mind: ", "note: "))] == [
        "note: PodDisruptionBudget web changes nothing: no rollout asks it\n"
    ]
    assert (result["verdict"], result["failed"]) == ("seamless", 0)
    assert (shop.folder / "runs").read_text().count("run") >= 3  # before it, at its start, and when the token had ended
    assert shop.objects() == before
    assert shop.staying_pods() == []
