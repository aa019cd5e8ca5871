"""The same sandbox for an ordinary user: a pod behind a Service, and nothing left."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
HERE = Path(__file__).parent

PROGRAM = """
import anyio, os
from wholecluster import cluster_of, is_ready, pod_of
from harness.sandbox.settings import Settings

async def main():
    assert os.geteuid() != 0
    async with cluster_of(Settings(client_addresses=2)) as cluster:
        fields = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
        made = await cluster.create({"kind": "Service", "metadata": {"name": "web"}, "spec": fields})
        probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1}
        await cluster.create(pod_of("web", {"name": "nginx", "image": "nginx:1.28.0", "readinessProbe": probe}))
        await cluster.pod("web", is_ready)
        await cluster.answered(f"http://{made['spec']['clusterIP']}/")
        await cluster.delete("web")
        last = await cluster.gone("web")
        print(last["status"]["phase"])

anyio.run(main)
"""


def interpreter() -> str:
    """A Python of this version that an ordinary user may run."""
    for candidate in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        trial = [*NOBODY, "sh", "-c", f"unshare -Ur {candidate} -c 'import harness, aiohttp, trustme'"]
        if subprocess.run(trial, env=environment(), capture_output=True, check=False, cwd="/").returncode == 0:
            return candidate
    pytest.skip("no Python here that an ordinary user may run, or no user namespaces for ordinary users")


def environment() -> dict[str, str]:
    """Where that Python finds the harness, its dependencies and the tests' helpers."""
    package = Path(__import__("harness").__file__).parents[1]
    paths = (HERE, package, sysconfig.get_path("purelib"))
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONPATH": ":".join(map(str, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def test_an_ordinary_user_has_the_same_sandbox() -> None:
    command = [*NOBODY, interpreter(), "-c", PROGRAM]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=200, cwd="/")
    assert done.stdout == "Succeeded\n", done.stderr


KEEPING = """
set -e
program="$1 -m harness sandbox"
$program up --name rootless >/dev/null
$program exec --name rootless -- hostname -I
rm -r "$XDG_RUNTIME_DIR"/*
$program down --all
ls -A "$XDG_RUNTIME_DIR"
"""


def test_an_ordinary_user_keeps_one_and_ends_all_of_his_own() -> None:
    """In a PID namespace, so that nobody else's are his."""
    alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *NOBODY]
    with tempfile.TemporaryDirectory() as runtime:
        os.chown(runtime, 65534, 65534)
        environ = {**environment(), "XDG_RUNTIME_DIR": runtime}
        command = [*alone, "sh", "-c", KEEPING, "sh", interpreter()]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=200, cwd="/")
    assert done.returncode == 0, done.stderr
    said = re.sub(r"process \d+", "process N", done.stdout).splitlines()
    assert said == ["10.200.1.10 10.200.1.11 10.200.1.12 10.200.1.13 ", "Ended: sandbox rootless (process N)."]
