"""The real kubectl against the control plane: what it prints is what it printed on a real cluster.

`kubectl/session-1.jsonl` was recorded on Kubernetes 1.36. A pretended kubelet stands for the node, so what only a real
one writes (container ids, images pulled, logs) is left out of the comparison, command by command, with the reason.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from planes import playing

from harness.sandbox.apiserver.decoding import schemas

if TYPE_CHECKING:
    from planes import Plane

    from harness.sandbox.apiclient import ApiClient

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

HERE = Path(__file__).parent / "kubectl"
KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000"

# What stands for things that differ from run to run.
NORMAL = (
    (re.compile(STAMP), "TIME"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UID"),
    (re.compile(r'resourceVersion: "\d+"'), "resourceVersion: N"),
    (re.compile(r"\bweb-[0-9a-z]{6,10}-[0-9a-z]{5}\b"), "web-HASH-RANDOM"),
    (re.compile(r"\bweb-[0-9a-z]{5}\b"), "web-RANDOM"),
    (re.compile(r"\bweb-[0-9a-z]{6,10}\b"), "web-HASH"),
    (re.compile(r"pod-template-hash=[0-9a-z]+"), "pod-template-hash=HASH"),
    (re.compile(r"\b10\.\d+\.\d+\.\d+\b"), "ADDRESS"),
    (re.compile(r"\b(\d+[smh])+(?=\s|$)"), "AGE"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"-+ -+.*"), "RULE"),
)

# Commands whose output is not compared as a whole, and why.
NOT_COMPARED = {
    "describe pods": "container ids and the service account's volume are the node's",
    "get pods -o json": "as above",
    "get events": "the kubelet's events are the node's; test_controllers has those of controllers",
    "get all": "what is still ending is a matter of moments",
}
PROGRESS = "rollout status"  # how many lines there are is a matter of moments; the last counts


def normal(text: str) -> list[str]:
    for pattern, word in NORMAL:
        text = pattern.sub(word, text)
    return [line.strip() for line in text.strip().splitlines()]


async def started(plane: Plane, command: str) -> asyncio.subprocess.Process:
    """Starts one command line in the folder of the manifests."""
    assert KUBECTL is not None
    return await asyncio.create_subprocess_exec(
        KUBECTL,
        *shlex.split(command),
        cwd=HERE,
        env={**os.environ, "KUBECONFIG": str(plane.kubeconfig()), "HOME": str(plane.state)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def kubectl(plane: Plane, command: str) -> tuple[int, str, str]:
    """Runs one command line in the folder of the manifests: its exit code and what it printed."""
    process = await started(plane, command)
    try:
        async with asyncio.timeout(60):
            out, complaints = await process.communicate()
    except TimeoutError:
        process.kill()
        out, complaints = await process.communicate()
        raise AssertionError(f"kubectl {command} did not end: {out.decode()} {complaints.decode()}") from None
    return process.returncode or 0, out.decode(), complaints.decode()


@pytest.mark.timeout(300)
@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed (make test installs it)")
async def test_kubectl_prints_what_it_prints_on_a_real_cluster(plane: Plane, client: ApiClient) -> None:
    session = [json.loads(line) for line in (HERE / "session-1.jsonl").read_text().splitlines()]
    differences = []
    async with playing(client, stop_s=0.3):
        for step in session:
            code, out, complaints = await kubectl(plane, step["kubectl"])
            seen = (code, *map(normal, (out, complaints)))
            expected = (step["rc"], *map(normal, (step["stdout"], step["stderr"])))
            if any(words in step["kubectl"] for words in NOT_COMPARED):
                seen, expected = seen[:1], expected[:1]
            elif "get rs" in step["kubectl"]:  # sorted by name, and names are hashes
                seen, expected = (code, sorted(seen[1])), (expected[0], sorted(expected[1]))
            elif PROGRESS in step["kubectl"]:
                seen, expected = (code, seen[1][-1:], seen[2]), (expected[0], expected[1][-1:], expected[2])
            if seen != expected:
                differences.append({"kubectl": step["kubectl"], "expected": expected, "seen": seen})
    assert not differences, json.dumps(differences, indent=1)


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed (make test installs it)")
async def test_logs_come_from_the_node_and_are_followed_to_their_end(plane: Plane, client: ApiClient) -> None:
    asked: list[tuple[str, dict[str, str]]] = []

    async def logs(request: web.BaseRequest) -> web.StreamResponse:
        asked.append((request.path, dict(request.query)))
        response = web.StreamResponse()
        await response.prepare(request)
        for n in range(3):
            await response.write(f"line {n}\n".encode())
        return response

    runner = web.ServerRunner(web.Server(logs))
    await runner.setup()
    await web.UnixSite(runner, str(plane.state / "node-node1.sock")).start()
    async with playing(client):
        pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "node1", "containers": [{"name": "c", "image": "i"}]}}
        await client.create("/api/v1/namespaces/default/pods", pod)
        assert await kubectl(plane, "logs -f p --tail=5") == (0, "line 0\nline 1\nline 2\n", "")
        code, _, complaints = await kubectl(plane, "logs p -c other")
    await runner.cleanup()
    assert asked == [("/logs/default/p/c", {"follow": "true", "tailLines": "5"})]
    assert code == 1
    assert "container other is not valid for pod p" in complaints


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed (make test installs it)")
def test_every_merge_key_is_one_that_kubectl_was_built_with() -> None:
    built = {
        (field, *re.findall(r'patch(?:Strategy|MergeKey):"([^"]+)"', tags))
        for field, tags in re.findall(r'json:"(\w+)[^"]*"((?: \w+:"[^"]*")+)', Path(KUBECTL or "").read_text("latin-1"))
        if "patchStrategy" in tags
    }
    patches = schemas()["patches"]
    listed = {(field, *text.split(), name) for name, fields in patches.items() for field, text in fields.items()}
    assert {row for row in listed if row[:-1] not in built} == set()
    assert ("taints", "merge", "key") not in built


async def next_up_to_date(watching: asyncio.subprocess.Process) -> str:
    """The column UP-TO-DATE of the next line of a `kubectl get deploy -w`."""
    assert watching.stdout is not None
    async with asyncio.timeout(30):
        line = (await watching.stdout.readline()).decode()
    assert line, "the watch ended before the rollout was seen to its end"
    return line.split()[2]


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed (make test installs it)")
async def test_a_rollout_is_paused_and_resumed_while_another_kubectl_watches(plane: Plane, client: ApiClient) -> None:
    async with playing(client):
        assert (await kubectl(plane, "apply -f web.yaml"))[0] == 0
        assert (await kubectl(plane, "rollout status deploy/web --timeout=30s"))[0] == 0
        watching = await started(plane, "get deploy web -w --no-headers")
        updated = [await next_up_to_date(watching)]
        assert (await kubectl(plane, "rollout pause deploy/web"))[1] == "deployment.apps/web paused\n"
        assert (await kubectl(plane, "set image deploy/web nginx=nginx:1.29.1"))[0] == 0
        assert (await kubectl(plane, "rollout resume deploy/web"))[1] == "deployment.apps/web resumed\n"
        assert (await kubectl(plane, "rollout status deploy/web --timeout=30s"))[0] == 0
        while updated[-1] != "2" or not {"0", "1"} & set(updated):
            updated.append(await next_up_to_date(watching))
        watching.terminate()
        await watching.communicate()
    assert updated[0] == "2"


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed (make test installs it)")
async def test_a_drained_node_gives_its_pods_to_the_other(plane: Plane, client: ApiClient) -> None:
    async with playing(client), playing(client, "node2"):
        assert (await kubectl(plane, "apply -f web.yaml"))[0] == 0
        assert (await kubectl(plane, "rollout status deploy/web --timeout=30s"))[0] == 0
        code, out, _ = await kubectl(plane, "drain node1 --force --timeout=30s")
        assert (code, out.splitlines()[-1]) == (0, "node/node1 drained")
        assert (await kubectl(plane, "rollout status deploy/web --timeout=30s"))[0] == 0
        _, out, _ = await kubectl(plane, "get pods -o jsonpath={.items[*].spec.nodeName}")
        assert out.split() == ["node2", "node2"]


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed (make test installs it)")
async def test_what_the_sandbox_does_not_do_is_said_in_clear_words(plane: Plane, client: ApiClient) -> None:
    code, _, complaints = await kubectl(plane, "get storageclasses")
    assert code == 1
    assert 'the server doesn\'t have a resource type "storageclasses"' in complaints
