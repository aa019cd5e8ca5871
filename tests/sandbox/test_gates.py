"""Rollouts that wait for their balancer by readiness gates, and such that silently do not."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from of_fixtures import judged_on_sandbox
from stalled import unless_stalled

from harness.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = judged_on_sandbox(400, slow=True)

Object = dict[str, Any]
LABEL = "elbv2.k8s.aws/pod-readiness-gate-inject"
BALANCER: Object = {
    "profile": "aws-nlb-ip",
    "controller": "200ms",
    "registration": "12s",
    "propagation": "200ms",
    "deregistration": "6s",
    "interval": "500ms",
    "timeout": "5s",
    "healthy": 2,
}


def bare(hook: Object | None = None) -> Object:
    """A patch of the Deployment's spec: quickly ready, and of what makes its rollouts safer only this preStop hook."""
    container = {"name": "nginx", "lifecycle": hook, "readinessProbe": {"periodSeconds": 1}}
    return {"minReadySeconds": None, "template": {"spec": {"containers": [container]}}}


def ran(tmp_path: Path, repository: Path, gates: Object, spec: Object) -> Object:
    """The final manifest of the seed behind a quick balancer, with this patch of the Deployment's spec; the result."""
    described = {
        "version": 1,
        "name": "gates",
        "manifests": [str(repository / "fixtures/manifests/seed/final.yaml")],
        "target": "deployment/nginx",
        "service": {"name": "nginx", "port": 80},
        "path": "loadbalancer",
        "cluster": {"sandbox": {"nodes": 2, "balancer": {**BALANCER, "gates": gates}}},
        "update": "restart",
        "rollouts": 2,
        "control": "3s",
        "quiet": "16s",
        "load": {"new": {"rate": 40}},
        "variants": {
            "one": {"expect": "dropping", "patches": [{"kind": "Deployment", "name": "nginx", "patch": {"spec": spec}}]}
        },
    }
    (tmp_path / "experiment.json").write_text(json.dumps(described))
    out = tmp_path / "run"
    command = [sys.executable, "-m", "harness", "run", str(tmp_path / "experiment.json"), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=380)
    assert (out / "result.json").exists(), done.stdout + done.stderr
    (one,) = json.loads((out / "result.json").read_text())["scenarios"]
    unless_stalled(one["reason"])
    assert done.returncode == ExitCode.AS_EXPECTED, done.stdout + done.stderr
    return dict(one)


def test_with_gates_alone_what_is_left_over_is_the_termination_race(tmp_path: Path, repository: Path) -> None:
    one = ran(tmp_path, repository, {"poll": "1s"}, bare())
    lost = sum(each["failed"] for each in one["rollouts"])
    assert sum(each["by_cause"].get("termination-race", 0) for each in one["rollouts"]) >= 0.95 * lost > 0
    (told,) = (note for note in one["notes"] if "readiness gates" in note)
    assert told.startswith("2 new pods had readiness gates, opened by controller ")
    assert "but" not in one["sentence"]


def test_gates_that_a_webhook_which_is_away_does_not_inject_are_missed(tmp_path: Path, repository: Path) -> None:
    """A preStop hook keeps the other race away: what is lost is lost because the rollout waited for nobody."""
    spec = bare({"preStop": {"sleep": {"seconds": 8}}})
    one = ran(tmp_path, repository, {"webhook": "away", "failurePolicy": "Ignore"}, spec)
    assert one["reason"].startswith("creation-race: ")
    missed = f"; but the namespace's label {LABEL} counts on readiness gates, and 2 of 2 new pods had none"
    assert one["sentence"].endswith(missed)
