"""Nothing is left on a cluster: real runs on a sandbox that is reached as somebody else's, ended in many ways."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from harness.load import SIGN_PORT
from harness.sandbox.kept import get
from harness.sandbox.supervisor import STATE

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(300)]

HARNESS = (sys.executable, "-m", "harness")
EXPERIMENT = """\
version: 1
name: left
manifests: [{manifests}]
service: {{name: web, port: 80}}
update: {{image: {{nginx: ["nginx:1.29.1", "nginx:1.28.0"]}}}}
rollouts: 1
control: {control}
quiet: 1s
rollout_timeout: 20s
variants: {{default: {{expect: any}}}}
load: {{new: {{rate: 50}}, pod_header: X-Pod}}
"""


NAME = f"left-{os.getpid()}"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which `--cluster context:sandbox` is a cluster that someone else runs."""
    kubeconfig = tmp_path_factory.mktemp("kubeconfig") / "config"
    name = NAME
    subprocess.run(
        [*HARNESS, "sandbox", "up", "--name", name, "--kubeconfig", str(kubeconfig)], check=True, timeout=200
    )
    yield {**os.environ, "KUBECONFIG": str(kubeconfig)}
    subprocess.run([*HARNESS, "sandbox", "down", "--name", name], check=True, timeout=200)


@pytest.fixture
def harness(context: dict[str, str], tmp_path: Path, repository: Path) -> Iterator[Callable[..., Any]]:
    """Start a run; what still runs at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(control: str = "120s") -> subprocess.Popen[str]:
        manifests = repository / "fixtures" / "manifests" / "nginx.yaml"
        file = tmp_path / "experiment.yaml"
        file.write_text(EXPERIMENT.format(manifests=manifests, control=control))
        there = ("--cluster", "context:sandbox", "--worker-image", "rollout-harness:local", "--yes")
        out = tmp_path / f"run-{len(started)}"
        command = [*HARNESS, "run", str(file), "--out", str(out), *there]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=context))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate(timeout=200)


def kubectl(environment: dict[str, str], *words: str) -> str:
    program = Path(sys.executable).parent / "kubectl"
    done = subprocess.run([program, *words], capture_output=True, text=True, env=environment, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ours(environment: dict[str, str]) -> list[str]:
    """The namespaces of runs."""
    found = kubectl(environment, "get", "namespaces", "-l", "rollout-harness/run", "-o", "name").split()
    return [name.removeprefix("namespace/") for name in found]


def until(process: subprocess.Popen[str], words: str, *, deadline_s: float = 90) -> list[str]:
    """Read its progress until it says so."""
    assert process.stderr is not None
    seen: list[str] = []
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        line = process.stderr.readline()
        seen.append(line)
        if words in line:
            return seen
        if not line and process.poll() is not None:
            break
    pytest.fail(f"it never said {words!r}: {seen}")


def worker(environment: dict[str, str], namespace: str) -> dict[str, Any]:
    pod: dict[str, Any] = json.loads(kubectl(environment, "-n", namespace, "get", "pod", LOAD, "-o", "json"))
    return pod


LOAD = "rollout-harness-load-0"


def test_a_load_whose_harness_was_killed_ends_within_30_s(
    context: dict[str, str], harness: Callable[..., subprocess.Popen[str]]
) -> None:
    process = harness()
    until(process, "control window")
    (namespace,) = ours(context)
    assert worker(context, namespace)["status"]["phase"] == "Running"
    process.kill()
    killed = time.monotonic()
    process.wait()
    phase = "Running"
    while phase == "Running" and time.monotonic() - killed < 60:
        phase = worker(context, namespace)["status"]["phase"]
        took_s = time.monotonic() - killed
    assert phase == "Succeeded"
    assert took_s < 32  # the load 30, the rest for the Pod's end to be told
    log = kubectl(context, "-n", namespace, "logs", LOAD)
    assert "no sign of the harness for 29 s" in log
    assert '{"end":' in log  # in good order: what was in flight was waited for


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="SIGINT", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, id="SIGTERM", marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, id="SIGHUP"),
    ],
)
def test_a_signal_puts_the_cluster_back(
    context: dict[str, str], harness: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    before = ours(context)
    process = harness()
    until(process, "control window")
    assert set(ours(context)) > set(before)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=200)
    assert process.returncode == 128 + number
    assert f"{number.name}: cleaning up" in stderr
    assert ours(context) == before


def test_the_second_signal_leaves_at_once_and_names_what_is_left_with_the_command_that_removes_it(
    context: dict[str, str], harness: Callable[..., subprocess.Popen[str]]
) -> None:
    before = ours(context)
    process = harness()
    until(process, "control window")
    process.send_signal(signal.SIGINT)
    until(process, "cleaning up; Ctrl-C again to skip")
    second = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=200)
    assert time.monotonic() - second < 5
    assert process.returncode == 130
    (left,) = set(ours(context)) - set(before)
    (command,) = [line.strip() for line in stderr.splitlines() if "kubectl" in line]
    assert command == f"kubectl --context sandbox delete namespace {left}"
    kubectl(context, *command.split()[1:])  # as it is printed
    assert ours(context) == before


def clean(environment: dict[str, str], *more: str) -> tuple[int, str, str]:
    command = [*HARNESS, "clean", "--cluster", "context:sandbox", *more]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=150, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_what_a_killed_run_left_is_told_by_the_next_listed_and_removed_but_not_a_run_in_progress(
    context: dict[str, str], harness: Callable[..., subprocess.Popen[str]]
) -> None:
    assert clean(context, "--yes")[0] == 0  # what other tests left
    killed = harness()
    until(killed, "control window")
    (left,) = ours(context)
    killed.kill()
    killed.wait()
    going_on = harness()
    said = until(going_on, "control window")
    assert [line.strip() for line in said if line.startswith("mind: ")] == [
        "mind: an earlier run left something on this cluster; to list it: "
        "rollout-harness clean --cluster context:sandbox"
    ]
    (new,) = set(ours(context)) - {left}

    code, stdout, _ = clean(context)
    assert code == 0
    assert f"namespace/{left}\n  its process has ended\n" in stdout
    assert f"namespace/{new}\n  left alone: in progress: its process runs on this machine\n" in stdout
    assert "To remove it: rollout-harness clean --cluster context:sandbox --yes" in stdout
    assert set(ours(context)) == {left, new}  # it only lists

    code, stdout, stderr = clean(context, "--yes", "--all")
    assert (code, stderr) == (0, "")
    assert "removed: run " in stdout
    assert ours(context) == [new]
    assert worker(context, new)["status"]["phase"] == "Running"
    going_on.send_signal(signal.SIGTERM)
    going_on.communicate(timeout=200)
    assert "No earlier run left anything here." in clean(context)[1]


def config_maps(environment: dict[str, str]) -> set[str]:
    listed = kubectl(environment, "-n", "before", "get", "configmaps", "-o", "name").split()
    return {name.removeprefix("configmap/") for name in listed} - {"kube-root-ca.crt"}


@pytest.mark.slow
def test_in_a_namespace_that_was_there_before_clean_removes_the_run_s_objects_and_nothing_else(
    context: dict[str, str],
) -> None:
    dated = ("rollout-harness/run=0ld", "rollout-harness/owner=ada", "rollout-harness/expiry=20200101T000000Z")
    kubectl(context, "create", "namespace", "before")
    for name in ("ours", "theirs"):
        kubectl(context, "-n", "before", "create", "configmap", name)
    kubectl(context, "-n", "before", "label", "configmap", "ours", *dated)
    kubectl(context, "-n", "before", "create", "configmap", "undated")
    kubectl(context, "-n", "before", "label", "configmap", "undated", "rollout-harness/run=undated")
    code, stdout, _ = clean(context, "--yes")
    assert code == 0
    assert "run 0ld of ada, " in stdout
    assert "left alone: it does not say until when it may last; --all removes it too" in stdout
    assert config_maps(context) == {"theirs", "undated"}
    assert clean(context, "--yes", "--all", "--namespace", "before")[0] == 0
    assert config_maps(context) == {"theirs"}
    kubectl(context, "delete", "namespace", "before")


async def asked_of_the_sandbox(method: str, path: str, body: Any) -> None:
    socket = f"/proc/{get(NAME).pid}/root{STATE}/api.sock"
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(socket)) as session,
        session.request(method, f"http://api/sandbox/{path}", json=body) as response,
    ):
        assert response.status == 200, await response.text()


@pytest.fixture
async def faults(context: dict[str, str]) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """Put faults into the sandbox's API; at the end of the test there are none."""

    async def put(*rules: dict[str, Any]) -> None:
        await asked_of_the_sandbox("PUT", "faults", rules)

    yield put
    await put()


def result(process: subprocess.Popen[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What its scenario's run.json and result.json say."""
    arguments = cast("list[str]", process.args)
    folder = Path(arguments[arguments.index("--out") + 1]) / "default"
    run: dict[str, Any] = json.loads((folder / "run.json").read_text())
    judged: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return run, judged


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_clean_up_that_fails_at_first_leaves_nothing_and_the_verdict_as_it_is(
    context: dict[str, str], harness: Callable[..., subprocess.Popen[str]], faults: Callable[..., Awaitable[None]]
) -> None:
    before = ours(context)
    process = harness(control="2s")
    until(process, "control window")
    await faults(
        {"do": "fail", "methods": ["DELETE"], "resources": ["pods"], "names": [LOAD], "times": 2},
        {"do": "throttle", "methods": ["DELETE"], "resources": ["services"], "times": 2, "retry_after_s": 1},
        {"do": "hang-up", "methods": ["DELETE"], "resources": ["deployments"], "times": 2},
        {"do": "fail", "methods": ["DELETE"], "resources": ["namespaces"], "times": 3},
    )
    _, stderr = process.communicate(timeout=200)
    run, judged = result(process)
    assert run["finished"], stderr
    assert run.get("stopped") is None
    assert judged["verdict"] in ("seamless", "dropping"), judged["reason"]
    assert process.returncode == 0, stderr
    assert ours(context) == before


@pytest.mark.slow
@pytest.mark.anyio
async def test_what_may_not_be_removed_is_named_the_verdict_stays_and_0_becomes_3(
    context: dict[str, str], harness: Callable[..., subprocess.Popen[str]], faults: Callable[..., Awaitable[None]]
) -> None:
    before = ours(context)
    process = harness(control="2s")
    until(process, "control window")
    await faults({"do": "forbid", "methods": ["DELETE"], "resources": ["namespaces", "services"]})
    _, stderr = process.communicate(timeout=200)
    run, judged = result(process)
    assert run["finished"], stderr
    assert judged["verdict"] in ("seamless", "dropping"), judged["reason"]
    assert process.returncode == 3, stderr
    (left,) = set(ours(context)) - set(before)
    assert f"kubectl --context sandbox delete namespace {left}" in stderr
    assert "rollout-harness-load" not in kubectl(context, "-n", left, "get", "pods", "-o", "name")  # no load goes on

    code, _, told = clean(context, "--yes")  # which may not either
    assert code == 3
    assert f"kubectl --context sandbox delete namespace {left}" in told
    await faults()
    assert clean(context, "--yes")[0] == 0
    assert left not in ours(context)


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_load_whose_pod_may_not_be_deleted_ends_all_the_same_and_the_verdict_stays(
    context: dict[str, str], harness: Callable[..., subprocess.Popen[str]], faults: Callable[..., Awaitable[None]]
) -> None:
    before = ours(context)
    process = harness(control="2s")
    until(process, "control window")
    await faults({"do": "forbid", "methods": ["DELETE"], "resources": ["pods"], "names": [LOAD]})
    _, stderr = process.communicate(timeout=200)
    run, judged = result(process)
    assert run["finished"], stderr
    assert run["ends"], "its last line is missing"
    assert judged["verdict"] in ("seamless", "dropping"), judged["reason"]
    assert process.returncode == 0, stderr  # the Pod went with the namespace
    assert ours(context) == before


@pytest.mark.slow
@pytest.mark.anyio
async def test_an_api_that_is_away_for_a_while_ends_no_load_and_loses_no_row(
    context: dict[str, str], harness: Callable[..., subprocess.Popen[str]]
) -> None:
    process = harness(control="35s")  # longer than a load without its harness lasts
    until(process, "control window")
    await asked_of_the_sandbox("POST", "outage", {"for_s": 15})
    _, stderr = process.communicate(timeout=200)
    run, _ = result(process)
    assert run["finished"], stderr
    (end,) = run["ends"]
    arguments = cast("list[str]", process.args)
    rows = (Path(arguments[arguments.index("--out") + 1]) / "default" / "requests.csv").read_text().splitlines()[1:]
    assert sorted(int(row.split(",")[2]) for row in rows) == list(range(end["requests"]["new"]))
    assert ours(context) == []


@pytest.mark.slow
@pytest.mark.anyio
async def test_where_the_load_cannot_be_shown_its_harness_that_is_said_once_and_the_run_goes_on(
    harness: Callable[..., subprocess.Popen[str]], faults: Callable[..., Awaitable[None]]
) -> None:
    await faults({"do": "forbid", "methods": ["GET"], "resources": ["pods"], "names": [f"{LOAD}:{SIGN_PORT}"]})
    process = harness(control="3s")
    _, stderr = process.communicate(timeout=200)
    assert process.returncode == 0, stderr
    assert stderr.count("cannot be shown that this harness is there") == 1
    assert "Needed: get on pods/proxy." in stderr
