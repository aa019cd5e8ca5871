"""action.yml, run step by step from the folder of another repository, as its users' jobs run it."""

from __future__ import annotations

import os
import re
import shutil
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from jobs import Did, Machine
from kind_playback import Playback
from needs import missing

ROOT = Path(__file__).parents[2]
EXPERIMENT = """
    version: 1
    name: shop
    manifests: [deploy/web.yaml]
    target: deployment/web
    service: {name: web, port: 80}
    update: restart
    rollouts: 1
    control: 3s
    quiet: 3s
    load: {new: {rate: 100}}
"""
NO_COMMANDS = {"MAKEFLAGS": "", "MAKELEVEL": ""}
"""A make that runs these tests has flags that are no business of the make of a step."""


PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A runner that has checked out somebody else's repository."""
    workspace = tmp_path / "shop"
    (workspace / "deploy" / "more here").mkdir(parents=True)
    shutil.copy(ROOT / "fixtures" / "manifests" / "nginx.yaml", workspace / "deploy" / "web.yaml")
    (workspace / "rollout.yaml").write_text(textwrap.dedent(EXPERIMENT))
    return Machine(workspace=workspace, temporary=tmp_path / "temporary", variables=NO_COMMANDS)


def stand_in(machine: Machine, program: str, script: str) -> None:
    """Another program of this name comes first in the machine's PATH."""
    machine.programs = machine.workspace.parent / "programs"
    executable(machine.programs / program, script)


def executable(path: Path, script: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def named(did: list[Did], name: str) -> Did:
    return next(each for each in did if each.name == name)


@pytest.mark.sandbox
@pytest.mark.timeout(400)
@pytest.mark.skipif(bool(missing()), reason=" ".join(missing()))
def test_a_rollout_that_loses_calls_fails_the_job_when_its_reports_are_safe(machine: Machine) -> None:
    for attempt in range(3):
        given = {"experiment": "rollout.yaml", "reports": f"out/{attempt}", "budget": "failed=0"}
        did, outputs = machine.action(ROOT, given)
        if outputs["verdict"] != "inconclusive":  # the machine stood still
            break
    assert outputs == {"exit-code": "1", "verdict": "dropping", "reports": f"out/{attempt}"}, did
    assert named(did, "Verdict").code == 1
    assert "::error title=rollout-harness::Exit code 1: calls were lost" in named(did, "Verdict").printed
    assert named(did, "Reports").given == {
        "name": "rollout-reports",
        "path": f"out/{attempt}",
        "if-no-files-found": "warn",
    }
    for name in ("report.html", "report.md", "junit.xml", "result.json", "output.txt"):
        assert (machine.workspace / outputs["reports"] / name).stat().st_size
    assert "termination-race" in machine.summary


def test_manifests_found_by_patterns_are_read_in_one_and_nothing_said_of_them_commands_the_runner(
    machine: Machine,
) -> None:
    for name in ("one", "two"):
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        (machine.workspace / "deploy" / "more here" / f"{name}.yaml").write_text(yaml.safe_dump(config).rstrip())
    given = {"manifests": "deploy/web.yaml\n  deploy/more here/**", "target": "deployment/web"}
    # An ordinary user who may sudo, as on GitHub's runners.
    stand_in(machine, "id", "echo 1000")
    stand_in(machine, "sudo", 'echo "sudo $*" >>"$RUNNER_TEMP/asked"; shift; exec "$@"')
    did, outputs = machine.action(ROOT, {**given, "arguments": "--dry-run", "stand-in": "finishes"})
    roll = named(did, "Roll")
    assert (outputs["exit-code"], [each.code for each in did if each.code]) == ("0", []), roll.printed
    read = (machine.temporary / "rollout-harness-manifests.yaml").read_text()
    names = [each["metadata"]["name"] for each in yaml.safe_load_all(read) if each]
    assert names == ["web", "web", "web", "one", "two"]

    asked = (machine.temporary / "asked").read_text().splitlines()
    options = "--target deployment/web --stand-in finishes --cluster sandbox --dry-run --yes --out rollout-reports"
    assert asked == ["sudo -n true", f"sudo -n {ROOT}/.venv/bin/rollout-harness run - {options}"]

    lines = roll.printed.splitlines()
    assert lines[0].startswith("::stop-commands::")
    token = lines[0].removeprefix("::stop-commands::")
    assert len(token) == 32
    assert lines[-1] == f"::{token}::"
    assert "target: deployment/web" in lines


def test_a_kind_cluster_of_an_image_of_ones_own_is_made_and_removed_whatever_becomes_of_the_run(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On what the real kind, Docker and kubectl said (kind_playback.py); the runner has an older kind."""
    playback = Playback(tmp_path / "programs", kubeconfig={"contexts": [{"name": "paper", "context": {}}]})
    published = (playback.folder / "kind").rename(tmp_path / "published")
    executable(tmp_path / "older" / "kind", "echo kind v0.26.0 go1.23.4 linux/amd64")
    monkeypatch.setenv("PATH", f"{tmp_path}/older:{os.environ['PATH']}")
    stand_in(machine, "curl", f'while [ "$1" != -o ]; do shift; done; cp {published} "$2"')
    stand_in(machine, "sha256sum", "exit 0")
    of_the_job = {"NAME": "RUNNER-7", "NODES": "many", "IMAGES": "shop:1", "MIN_SYNC_PERIOD": "never"}
    places = {"TMPDIR": str(tmp_path), "KUBECONFIG": str(tmp_path / "kubeconfig")}
    machine.variables = {**NO_COMMANDS, **places, **of_the_job}
    (machine.workspace / "other.yaml").write_text("cluster: {kind: {name: mine}}\n")
    given = {"cluster": "kind", "node-image": "kindest/node:v1.34.11", "experiment": "other.yaml"}
    did, outputs = machine.action(ROOT, given)
    assert (outputs["exit-code"], [each.name for each in did if each.code]) == ("2", ["Verdict"])  # no experiment
    assert "::warning title=rollout-harness::The experiment asks for kind cluster mine" in named(did, "Roll").printed
    made = [call.split(" --config")[0] for call in playback.calls if call.startswith(("kind create", "kind delete"))]
    assert made == ["kind create cluster --name rollout-harness", "kind delete cluster --name rollout-harness"]
    assert not any("crictl" in call or call.startswith("kind load") for call in playback.calls)
    assert playback.clusters == {}

    playback.has("rollout-harness")
    action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    steps = [each for each in action["runs"]["steps"] if each["name"].startswith("The kind cluster")]
    did = machine.steps(steps, {"inputs": given, "steps": {}}, {"GITHUB_ACTION_PATH": str(ROOT)})
    assert [each.code for each in did] == [0, None], did
    assert list(playback.clusters) == ["rollout-harness"]  # it was there before
    assert playback.unexpected == []


def test_a_kind_cluster_that_cannot_be_removed_is_a_warning(machine: Machine, tmp_path: Path) -> None:
    playback = Playback(tmp_path / "kind", kubeconfig={"contexts": [{"name": "paper", "context": {}}]})
    playback.trouble("kind delete cluster", stderr="ERROR: no\n")
    machine.programs = playback.folder
    machine.variables = {"TMPDIR": str(tmp_path)}
    action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    steps = [each for each in action["runs"]["steps"] if each["name"] == "The kind cluster, removed"]
    contexts = {"steps": {"kind": {"outputs": {"made": "true"}}}}
    (did,) = machine.steps(steps, contexts, {"GITHUB_ACTION_PATH": str(ROOT)})
    assert did.code == 0
    assert "::warning title=rollout-harness::The kind cluster was not removed" in did.printed


def test_a_manifest_that_cannot_be_read_is_told(machine: Machine) -> None:
    unreadable = "cat: deploy/web.yaml: Permission denied"
    stand_in(machine, "cat", f'case "$*" in *web.yaml) echo "{unreadable}" >&2; exit 1 ;; esac; exec /bin/cat "$@"')
    did, outputs = machine.action(ROOT, {"manifests": "deploy/**", "cluster": ""})
    assert (outputs["exit-code"], named(did, "Verdict").code) == ("2", 2)
    assert f"error: reading the manifests deploy/**: {unreadable}. May" in machine.summary


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "neither experiment nor manifests is given"),
        ({"experiment": "rollout.yaml", "manifests": "deploy/web.yaml"}, "leave one out"),
        ({"manifests": "chart/*.yaml"}, "no file in .* matches. Is there a checkout step before this one?"),
        ({"experiment": "rollout.yaml", "budget": "calls=none", "reports": "deploy"}, "calls"),
    ],
)
def test_inputs_that_cannot_be_used_are_told_in_the_summary_and_fail_the_job(
    machine: Machine, given: dict[str, str], words: str
) -> None:
    did, outputs = machine.action(ROOT, {"python-version": "", **given})
    assert named(did, "Roll").code == 0
    assert (outputs["exit-code"], outputs["verdict"], named(did, "Verdict").code) == ("2", "", 2)
    assert "no report" in machine.summary
    assert re.search(words, machine.summary), machine.summary


@pytest.mark.parametrize(
    ("code", "allowed", "ends", "level"),
    [("0", "false", 0, ""), ("3", "false", 3, "error"), ("3", "true", 0, "warning"), ("130", "true", 130, "error")],
)
def test_the_job_ends_as_the_run_did_but_for_an_inconclusive_one_that_is_allowed(
    machine: Machine, code: str, allowed: str, ends: int, level: str
) -> None:
    action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    contexts = {
        "inputs": {"allow-inconclusive": allowed},
        "steps": {"run": {"outputs": {"exit-code": code, "reports": "out"}}},
    }
    (did,) = machine.steps([each for each in action["runs"]["steps"] if each.get("name") == "Verdict"], contexts, {})
    assert did.code == ends
    assert did.printed.startswith(f"::{level} title=" if level else "")


def test_a_report_that_is_longer_than_a_summary_may_be_is_cut_at_a_line_and_what_is_open_is_closed(
    machine: Machine,
) -> None:
    """More than 1 MiB, and GitHub shows nothing of it; what is said after the cut must not be folded away."""
    folded = "<details><summary>Details</summary>"
    before = ["# Rollouts", folded, "```", "<details>", "```", "</details>", folded, "  ```yaml"]
    lines = [*before, *(f"| {number:07} | {'ü' * 90} |" for number in range(9000))]
    (machine.workspace / "report.md").write_text("\n".join(lines), encoding="utf-8")
    (did,) = machine.steps([{"name": "summary", "run": f"{ROOT}/scripts/job-summary.sh ."}], {}, {})
    assert did.code == 0
    *shown, fence, _, details, _, last = machine.summary.splitlines()
    assert 1 < len(machine.summary.encode()) < 1024**2
    assert shown == lines[: len(shown)]
    assert len(shown) > 4000
    assert (fence, details) == ("```", "</details>")
    assert last.startswith("The report is longer than a summary can be")


def test_the_guide_has_every_input_with_its_default_and_every_output() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    inputs, outputs = (re.search(rf"^\| {name} \|.*?(?=\n\n)", PAGE, re.DOTALL | re.M) for name in ("input", "output"))
    assert inputs
    assert outputs
    told = {}
    for line in inputs[0].splitlines()[2:]:
        names, _, default = (cell.strip() for cell in line.strip("|").split("|"))
        told |= {name.strip("` "): default.strip("`") for name in names.split(",")}
    assert told == {name: each["default"] for name, each in action["inputs"].items()}
    assert re.findall(r"^\| `([\w-]+)` \|", outputs[0], re.M) == list(action["outputs"])


def test_what_the_guide_shows_for_github_is_ten_lines_and_gives_inputs_that_there_are() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    steps = [*yaml.safe_load(SHOWN[0])["jobs"]["rollout"]["steps"], *yaml.safe_load(SHOWN[1])]
    given = [step["with"] for step in steps if step["uses"].startswith("OWNER/rollout-harness@")]
    assert len(given) == 2
    assert all(set(each) <= set(action["inputs"]) for each in given)
    assert len(SHOWN[0].splitlines()) <= 10


def test_what_the_guide_shows_for_gitlab_runs(machine: Machine) -> None:
    (job,) = yaml.safe_load(SHOWN[2]).values()
    (machine.workspace / "rollout").mkdir()
    text = (machine.workspace / "rollout.yaml").read_text().replace("deploy/web", "../deploy/web")
    (machine.workspace / "rollout" / "shop.yaml").write_text(text)
    stand_in(machine, "git", "exit 0")
    lines = [line.replace("/opt/rollout-harness", str(ROOT)) for line in (*job["before_script"], *job["script"])]
    (did,) = machine.steps(
        [{"name": "script", "run": "\n".join(lines) + " --dry-run", "env": job["variables"]}], {}, {}
    )
    assert did.code == 0, did.printed
    assert "to a restart" in did.printed
