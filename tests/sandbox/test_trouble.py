"""What can go wrong with a run: one clear line, the right exit code, no traceback, and the cluster as it was before.

Runs the command line as people do, against a kept sandbox that is reached as any other cluster is: by a context.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from program import called
from stalled import again_where_stalled, unless_stalled_in

from harness.model.request import COLUMNS

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(300)]

HARNESS = (sys.executable, "-m", "harness")
EXPERIMENT = """\
version: 1
name: trouble
manifests: [{manifests}]
service: {{name: web, port: 80}}
update: {{image: {{nginx: ["nginx:1.29.1", "nginx:1.28.0"]}}}}
rollouts: 1
control: 1s
quiet: 1s
rollout_timeout: 10s
load: {{new: {{rate: 50}}, pod_header: X-Pod}}
"""


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which `--cluster context:sandbox` is a cluster that someone else runs."""
    kubeconfig = tmp_path_factory.mktemp("kubeconfig") / "config"
    name = f"trouble-{os.getpid()}"
    subprocess.run(
        [*HARNESS, "sandbox", "up", "--name", name, "--kubeconfig", str(kubeconfig)], check=True, timeout=200
    )
    yield {**os.environ, "KUBECONFIG": str(kubeconfig)}
    subprocess.run([*HARNESS, "sandbox", "down", "--name", name], check=True, timeout=200)


@pytest.fixture
def experiment(tmp_path: Path, repository: Path) -> Path:
    file = tmp_path / "experiment.yaml"
    file.write_text(EXPERIMENT.format(manifests=repository / "fixtures" / "manifests" / "nginx.yaml"))
    return file


def arguments(experiment: Path, *more: str) -> list[str]:
    out = experiment.parent / "run"
    there = ("--cluster", "context:sandbox", "--worker-image", "rollout-harness:local", "--yes")
    return [*HARNESS, "run", str(experiment), "--out", str(out), *(more or there)]


def run(command: Sequence[str], environment: dict[str, str], *, code: int) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=150, check=False)
    assert done.returncode == code, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    return done.stderr


def refused(experiment: Path, environment: dict[str, str], *more: str) -> str:
    """The line of error of a run that does not begin: what it would do to processes and signals plays no part."""
    done = called(*arguments(experiment, *more)[len(HARNESS) :], env=environment)
    assert done.code == 2, done
    return done.error


def error_line(stderr: str) -> str:
    (line,) = [line for line in stderr.splitlines() if line.startswith("error: ")]
    return line


def namespaces(environment: dict[str, str]) -> set[str]:
    kubectl = Path(sys.executable).parent / "kubectl"
    done = subprocess.run(
        [kubectl, "get", "namespaces", "-o", "name"],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
        timeout=200,
    )
    return set(done.stdout.split())


def until(process: subprocess.Popen[str], words: str, *, deadline_s: float = 60) -> None:
    """Read its progress until it says so."""
    assert process.stderr is not None
    seen = []
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        line = process.stderr.readline()
        seen.append(line)
        if words in line:
            return
        if not line and process.poll() is not None:
            break
    pytest.fail(f"it never said {words!r}: {seen}")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name: web, port: 80": "name: web, port: 8080"}, "looking for port 8080 of Service web: it has 80 (http). "),
        ({"service: {name: web": "service: {name: shop"}, "looking for Service shop: the manifests hold only"),
        ({"version: 1": "version: 1\ntarget: deployment/shop"}, "looking for Deployment shop: the manifests hold only"),
        ({"nginx:1.29.1": "nginx:1.28.0"}, "Kubernetes would roll nothing"),
        (
            {"{image: {nginx:": "{image: {sidecar:"},
            "updating the image of container 'sidecar': the application has nginx",
        ),
        ({"rate: 50": "rate: -50"}, "load.new.rate: input should be greater than 0, not -50"),
        ({"rate: 50": "rate: 1000"}, "planning 1000 new connections/s: "),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_touched(
    context: dict[str, str], experiment: Path, change: dict[str, str], says: str
) -> None:
    before = namespaces(context)
    text = experiment.read_text()
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    experiment.write_text(text)
    assert says in refused(experiment, context)
    assert namespaces(context) == before


def test_an_unknown_context_is_named_with_those_that_there_are(context: dict[str, str], experiment: Path) -> None:
    line = refused(experiment, context, "--cluster", "context:staging", "--yes")
    assert "'staging'" in line
    assert "Contexts there: sandbox." in line


def test_a_cluster_that_does_not_answer_is_named(experiment: Path, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
                "users": [{"name": "a", "user": {}}],
                "contexts": [{"name": "dead", "context": {"cluster": "a", "user": "a"}}],
            }
        )
    )
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    line = refused(experiment, environment, "--cluster", "context:dead", "--yes")
    assert "127.0.0.1:1: no answer" in line


def test_without_yes_and_without_a_terminal_nothing_is_touched(context: dict[str, str], experiment: Path) -> None:
    line = refused(experiment, context, "--cluster", "context:sandbox")
    assert "Nothing was changed. Give --yes to run without asking." in line


def test_a_context_needs_no_image_for_the_load_worker(context: dict[str, str], experiment: Path) -> None:
    before = namespaces(context)
    command = arguments(experiment, "--cluster", "context:sandbox", "--yes")
    done = subprocess.run(command, capture_output=True, text=True, env=context, timeout=150, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert "asyncio and h11) can hold" in done.stderr
    folder = experiment.parent / "run" / "default"
    run_json = json.loads((folder / "run.json").read_text())
    assert run_json["finished"]
    (end,) = run_json["ends"]
    with (folder / "requests.csv").open() as rows:
        assert sum(1 for _ in rows) - 1 == sum(end["requests"].values()) > 100
    assert namespaces(context) == before


def test_an_image_that_the_sandbox_does_not_know_is_named(experiment: Path) -> None:
    experiment.write_text(experiment.read_text().replace("nginx:1.29.1", "shop:7"))
    line = refused(experiment, {}, "--cluster", "sandbox")
    assert "the sandbox does not know shop:7" in line
    assert not (experiment.parent / "run").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has capabilities to take away")
def test_without_rights_for_namespaces_it_says_which_are_missing(experiment: Path) -> None:
    without = ("setpriv", "--bounding-set=-sys_admin,-net_admin", "--inh-caps=-all")
    line = error_line(run([*without, *arguments(experiment, "--cluster", "sandbox")], dict(os.environ), code=2))
    assert "No rights for namespaces" in line
    assert "CAP_NET_ADMIN and CAP_SYS_ADMIN" in line
    assert not (experiment.parent / "run").exists()


def test_a_service_that_does_not_answer_is_not_rolled(
    context: dict[str, str], experiment: Path, repository: Path
) -> None:
    manifest = experiment.parent / "web.yaml"
    plain = (repository / "fixtures" / "manifests" / "nginx.yaml").read_text()
    manifest.write_text(plain.replace("targetPort: http", "targetPort: 81"))
    experiment.write_text(re.sub(r"manifests: \[.*\]", f"manifests: [{manifest}]", experiment.read_text()))
    before = namespaces(context)
    line = error_line(run(arguments(experiment), context, code=2))
    assert "the Service is not answering steadily" in line
    assert "connect-refused" in line
    assert namespaces(context) == before


def test_a_rollout_that_never_completes_is_undone_and_inconclusive(context: dict[str, str], experiment: Path) -> None:
    experiment.write_text(experiment.read_text().replace("nginx:1.29.1", "shop:7"))
    before = namespaces(context)
    line = error_line(run(arguments(experiment), context, code=3))
    assert "for deployment/web to be rolled out" in line
    assert '"shop:7": not found' in line
    assert "No waiting mends that" in line
    assert namespaces(context) == before
    timeline = (experiment.parent / "run" / "default" / "timeline.jsonl").read_text()
    marks = [json.loads(entry)["type"] for entry in timeline.splitlines() if '"kind":"Mark"' in entry]
    assert [mark for mark in marks if mark != "stall"] == ["control-start", "control-end", "update", "undo", "end"]
    result = json.loads((experiment.parent / "run" / "default" / "result.json").read_text())
    assert result["verdict"] == "inconclusive"


@pytest.mark.parametrize(
    ("moment", "lasting", "code"), [("control window", "control: 1s", 130), ("rolling", "quiet: 1s", 3)]
)
def test_ctrl_c_puts_the_cluster_back(
    context: dict[str, str], experiment: Path, moment: str, lasting: str, code: int
) -> None:
    # What is interrupted must last until the signal comes, however slow the machine is.
    text = experiment.read_text().replace(lasting, lasting.replace("1s", "60s"))
    if moment == "rolling":  # nothing may be lost before the signal comes: that would be a verdict
        text = text.replace("nginx.yaml", "nginx-both.yaml")
    experiment.write_text(text)
    before = namespaces(context)
    command = arguments(experiment)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=context) as process:
        until(process, moment)
        assert namespaces(context) != before
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=200)
    assert process.returncode == code, stderr
    assert "Traceback" not in stderr
    assert "cleaning up; " in stderr
    assert namespaces(context) == before
    run_json = json.loads((experiment.parent / "run" / "default" / "run.json").read_text())
    assert run_json["stopped"] == "interrupted"
    assert not run_json["finished"]
    assert ("inconclusive" in stdout) == (code == 3)


def test_a_kill_loses_at_most_the_last_half_second(experiment: Path) -> None:
    experiment.write_text(experiment.read_text().replace("control: 1s", "control: 20s"))
    command = arguments(experiment, "--cluster", "sandbox")
    folder = experiment.parent / "run" / "default"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        until(process, "control window")
        t0_wall = json.loads((folder / "run.json").read_text())["t0_wall"]
        deadline = time.monotonic() + 30
        while (seen := len(ends(folder))) < 100:
            assert time.monotonic() < deadline, f"after 30 s {seen} requests are on disk, not 100"
            time.sleep(0.01)
        process.kill()
        killed_s = time.time() - t0_wall
    assert max(ends(folder)) > killed_s - 0.5


MITIGATED = "variants: {default: {mitigations: [{prestop: 3s}, {min-ready: 2s}]}}\n"


@pytest.mark.parametrize("mitigated", [True, False], ids=["mitigated", "default"])
def test_a_harness_that_was_stopped_in_a_rollout_turns_no_verdict(
    context: dict[str, str], experiment: Path, mitigated: bool
) -> None:
    experiment.write_text(experiment.read_text() + MITIGATED * mitigated)
    folder = experiment.parent / "run" / "default"
    with subprocess.Popen(
        arguments(experiment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=context
    ) as process:
        until(process, "rolling")
        until_shown(context, folder, is_updated)
        process.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            until_shown(context, folder, lambda shown: is_rolled(shown) and time.monotonic() - stopped > 1.0)
        finally:
            process.send_signal(signal.SIGCONT)
        _, stderr = process.communicate(timeout=200)
    timeline = [json.loads(line) for line in (folder / "timeline.jsonl").read_text().splitlines()]
    stalls = [seen["object"] for seen in timeline if seen["type"] == "stall"]
    result = json.loads((folder / "result.json").read_text())
    assert stalls, stderr
    assert max(stall["end"] - stall["start"] for stall in stalls) > 0.6
    if mitigated:
        assert (result["verdict"], result["reason"]) == ("inconclusive", "harness-stalled"), stderr
    else:
        assert result["verdict"] in ("dropping", "inconclusive"), stderr
    assert any("the harness stood still" in note for note in result["notes"])
    assert process.returncode == (3 if result["verdict"] == "inconclusive" else 1)


def until_shown(
    environment: dict[str, str], folder: Path, holds: Callable[[dict[str, Any]], bool], *, deadline_s: float = 60
) -> None:
    """Ask the cluster itself for the Deployment until that holds of it."""
    manifests = json.loads((folder / "run.json").read_text())["manifests"]
    kubectl, namespace = Path(sys.executable).parent / "kubectl", manifests[0]["metadata"]["namespace"]
    command = [kubectl, "get", "deployment", "web", "-n", namespace, "-o", "json"]
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=200)
        if holds(shown := json.loads(done.stdout)):
            return
    pytest.fail(f"after {deadline_s:g} s it is {shown}")


def is_updated(shown: dict[str, Any]) -> bool:
    return bool(shown["metadata"]["generation"] > 1)


def is_rolled(shown: dict[str, Any]) -> bool:
    numbers = [shown["status"].get(name) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    seen = shown["status"].get("observedGeneration") == shown["metadata"]["generation"]
    return bool(seen and numbers == [shown["spec"]["replicas"]] * 3)


def ends(folder: Path) -> list[float]:
    """When each request ended that is on disk; a torn last row has none."""
    rows = [row.split(",") for row in (folder / "requests.csv").read_text().splitlines()[1:]]
    return [float(row[7]) for row in rows if len(row) == len(COLUMNS) and row[7]]


@pytest.mark.parametrize(("how", "says"), [(signal.SIGTERM, "ended by itself"), (signal.SIGKILL, "load worker")])
def test_no_update_is_made_without_load(experiment: Path, how: signal.Signals, says: str) -> None:
    experiment.write_text(
        experiment.read_text().replace("rollouts: 1", "rollouts: 2").replace("quiet: 1s", "quiet: 9s")
    )
    folder = experiment.parent / "run" / "default"
    command = arguments(experiment, "--cluster", "sandbox")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        until(process, "quiet time")
        for worker in load_workers(process.pid):
            os.kill(worker, how)
        _, stderr = process.communicate(timeout=200)
    assert process.returncode in (1, 3), stderr  # 1: what was seen before is seen
    run_json = json.loads((folder / "run.json").read_text())
    assert says in run_json["stopped"]
    assert not run_json["finished"]
    assert len(run_json["rollouts"]) == 1
    assert bool(run_json["ends"]) == (how == signal.SIGTERM)


def load_workers(above: int) -> list[int]:
    """The load workers among all descendants of a process, innermost only: what wraps one is none."""
    parents, commands = {}, {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            commands[int(place.name)] = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
    found = [above]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    workers = [one for one in found if b"harness.load" in commands.get(one, ()) and one not in parents.values()]
    assert workers
    return workers


@again_where_stalled
def test_a_run_that_was_killed_can_still_be_judged(experiment: Path) -> None:
    experiment.write_text(experiment.read_text().replace("quiet: 1s", "quiet: 60s"))
    command = arguments(experiment, "--cluster", "sandbox")
    folder = experiment.parent / "run"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        until(process, "quiet time")
        deadline = time.monotonic() + 40
        while ",connect-" not in (folder / "default" / "requests.csv").read_text():  # a time-out takes its time
            assert time.monotonic() < deadline, "no request was lost"
            time.sleep(0.01)
        process.kill()
    done = subprocess.run([*HARNESS, "report", str(folder)], capture_output=True, text=True, timeout=200, check=False)
    assert "Traceback" not in done.stderr
    assert "cut short" in done.stdout
    unless_stalled_in(folder)
    assert "dropping" in done.stdout  # what was seen is seen: a failure with a shown cause needs no end of the run
    assert done.returncode == 1
