"""`trace record` watches any cluster that a kubeconfig names, until Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from needs import missing

from harness.kube.client import Kube
from harness.kube.connection import from_kubeconfig
from harness.kube.watch import EventType, watch
from harness.sandbox.embedded import Sandbox
from harness.sandbox.settings import Settings
from harness.traces.lifecycles import lifecycles
from harness.traces.trace import read_trace

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.sandbox,
    pytest.mark.skipif(bool(missing()), reason=" ".join(missing())),
]

LABELS = {"app": "web"}
POD = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "nginx", "image": "nginx:1.28.0"}]}}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": POD},
}


async def test_a_recording_of_a_namespace_ends_with_ctrl_c_and_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "recorded.jsonl"
    async with Sandbox.start(Settings()) as sandbox, from_kubeconfig(sandbox.kubeconfig) as kube:
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(json.dumps(sandbox.kubeconfig))
        context = f"context:{sandbox.kubeconfig['current-context']}"
        command = [sys.executable, "-m", "harness", "trace", "record", "--out", str(out), "--namespace", "default"]
        async with await anyio.open_process(
            [*command, "--cluster", context],
            env={**os.environ, "KUBECONFIG": str(kubeconfig)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as recorder:
            assert recorder.stderr is not None
            assert recorder.stdout is not None
            with anyio.fail_after(30):
                assert b"Watching namespace default until Ctrl-C" in await recorder.stderr.receive()
                await kube.create(DEPLOYMENT, "default")
                await _available(kube)
                recorder.send_signal(signal.SIGINT)
                said = b"".join([part async for part in recorder.stdout])
                assert await recorder.wait() == 0
    assert b"lines in" in said
    seen = lifecycles(read_trace(out))
    assert {life.kind for life in seen.all} >= {"Deployment", "ReplicaSet", "Pod", "Event"}
    assert {life.name for life in seen.of("Pod")} == {"web-r1-*"}
    assert all("managedFields" not in change.object["metadata"] for life in seen.all for change in life.changes)


async def _available(kube: Kube) -> None:
    async for event in watch(kube, "apps/v1", "Deployment", namespace="default"):
        if event.type is not EventType.GAP and event.object.get("status", {}).get("availableReplicas"):
            return
