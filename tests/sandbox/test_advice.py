"""Every kind of advice, tried: what dropped calls drops none with the advice of its own result.

The advice is never written here: `--apply-sizing` takes it from the result of the run that dropped calls.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from of_fixtures import judged_on_sandbox
from stalled import unless_stalled

from harness.analysis.advice.cures import FINISH, PROBE, SERVE
from harness.analysis.advice.endings import END

pytestmark = judged_on_sandbox(300)

Object = dict[str, Any]
LOAD: Object = {"new": {"rate": 60}, "pod_header": "X-Pod"}
BUSY: Object = {"kept": {"rate": 30, "connections": 12}, "pod_header": "X-Pod"}
LONG: Object = {"kept": {"rate": 6, "connections": 30}, "read_timeout": "12s", "pod_header": "X-Pod"}
WITH_SLOW: Object = {
    "new": {"rate": 40},
    "slow": {"rate": 8, "path": "/slow"},
    "read_timeout": "12s",
    "pod_header": "X-Pod",
}
READY: Object = {"readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1}}


def sleep(seconds: int) -> Object:
    return {"lifecycle": {"preStop": {"sleep": {"seconds": seconds}}}}


@dataclass(frozen=True, kw_only=True)
class Case:
    """An application and what its rollout is to lose calls by."""

    cause: str
    kind: str = "Deployment"
    spec: Object = field(default_factory=dict)
    pod: Object = field(default_factory=dict)
    container: Object = field(default_factory=lambda: READY)
    sidecars: tuple[Object, ...] = ()
    app: dict[str, str] = field(default_factory=dict)
    load: Object = field(default_factory=lambda: LOAD)
    period: str = "1s"
    stand_in: str = ""


@dataclass(frozen=True, kw_only=True)
class Proved:
    """What the command said and found, without the advice and with it; nothing where there was none to apply."""

    said: str
    folder: Path
    plain: Object
    sized: Object | None

    @property
    def advice(self) -> Object:
        """The sizing of the run that dropped calls."""
        sizing: Object = self.plain["sizing"]
        return sizing

    @property
    def raised(self) -> set[str]:
        """The settings that it says would have saved what was lost."""
        return {
            name
            for name in ("prestop_s", "min_ready_s", "grace_s", "progress_deadline_s")
            if (one := self.advice[name]) and one["advised"] and (one["have"] or 0) < one["recommended"]
        }


def proved(case: Case, tmp_path: Path, repository: Path) -> Proved:
    """Run it with `--apply-sizing`, as people do."""
    manifests = tmp_path / "manifests.json"
    manifests.write_text(json.dumps(manifests_of(case)))
    experiment = tmp_path / "experiment.json"
    experiment.write_text(json.dumps(experiment_of(case, manifests, repository)))
    out = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "-m", "harness", "run", str(experiment), "--out", str(out), "--apply-sizing"],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert (out / "result.json").exists(), done.stdout + done.stderr
    (plain,) = json.loads((out / "result.json").read_text())["scenarios"]
    again = out / "sized" / "result.json"
    sized = json.loads(again.read_text())["scenarios"][0] if again.exists() else None
    unless_stalled(plain["reason"], (sized or {}).get("reason"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert plain["verdict"] == "dropping"
    assert case.cause in {remedy["cause"] for remedy in plain["sizing"]["remedies"]}, plain["reason"]
    return Proved(said=" ".join(done.stdout.split()), folder=out, plain=plain, sized=sized)


def manifests_of(case: Case) -> Object:
    labels = {"app": "web"}
    ports = [{"name": "http", "containerPort": 8080}]
    containers = [{"name": "app", "image": "app:1", "ports": ports, **case.container}, *case.sidecars]
    stateful = {"serviceName": "web"} if case.kind == "StatefulSet" else {}
    workload = {
        "apiVersion": "apps/v1",
        "kind": case.kind,
        "metadata": {"name": "web", "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            **stateful,
            **case.spec,
            "template": {
                "metadata": {"labels": labels},
                "spec": {"automountServiceAccountToken": False, "containers": containers, **case.pod},
            },
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "labels": labels},
        "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }
    return {"apiVersion": "v1", "kind": "List", "items": [workload, service]}


def experiment_of(case: Case, manifests: Path, repository: Path) -> Object:
    program = ["{python}", "-I", "-S", str(repository / "fixtures" / "app" / "app.py")]
    image: Object = {"command": program, "env": case.app}
    if case.stand_in:
        image = {"stand_in": case.stand_in, "latency": "20ms"}
    return {
        "version": 1,
        "name": "advice",
        "manifests": [str(manifests)],
        "target": f"{case.kind.lower()}/web",
        "service": {"name": "web", "port": 80},
        "cluster": {"sandbox": {"proxy": {"minSyncPeriod": case.period}}},
        "images": {"app:1": image, "app:2": image},
        "update": {"image": {"app": ["app:2", "app:1"]}},
        "rollouts": 1,
        "control": "2s",
        "churn": "200ms",  # after quiet a proxy applies the first change at once, and shows nothing
        **({"quiet": "2s"} if case.period == "1s" else {}),
        "load": case.load,
    }


def is_seamless(result: Object | None) -> None:
    """No rollout lost anything, and the cluster was one that could have shown it."""
    assert result is not None
    assert (result["verdict"], result["reason"]) == ("seamless", "no call was lost to a rollout")
    assert [rollout["dropping"] for rollout in result["rollouts"]] == [False]
    assert set(result["rollouts"][0]["by_cause"]) <= {"idle-close"}  # the client's to send again


SLOW_START = {"APP_START_S": "3"}
SIDE = {
    "name": "side",
    "image": "app:1",
    "env": [{"name": "APP_PORT", "value": "9090"}, {"name": "APP_START_S", "value": "0"}],
    "ports": [{"name": "side", "containerPort": 9090}],
}
ONE_LESS: Object = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
PARTITION: Object = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}

BY_SETTINGS: dict[str, tuple[Case, set[str], set[str]]] = {
    "preStop": (Case(cause="termination-race"), {"prestop_s"}, set()),
    "one replica": (Case(cause="termination-race", spec={"replicas": 1}), {"prestop_s"}, set()),
    "preStop too short for the period": (
        Case(cause="termination-race", spec={"replicas": 3}, container=READY | sleep(2), period="6s"),
        {"prestop_s"},
        set(),
    ),
    "grace period over while answers were finished": (
        Case(
            cause="in-flight-kill",
            container=READY | sleep(5),
            pod={"terminationGracePeriodSeconds": 6},
            app={"APP_LATENCY_S": "3"},
            load=LONG,
        ),
        {"grace_s"},
        set(),
    ),
    "preStop and grace period": (
        Case(
            cause="in-flight-kill",
            pod={"terminationGracePeriodSeconds": 1},
            app={"APP_SLOW_S": "4"},
            load=WITH_SLOW,
        ),
        {"prestop_s", "grace_s"},
        set(),
    ),
    "preStop that outlasts the grace period": (
        Case(
            cause="in-flight-kill",
            # A native sleep that long is refused; what a program of the image does, nobody knows before.
            container=READY | {"lifecycle": {"preStop": {"exec": {"command": ["sleep", "9"]}}}},
            pod={"terminationGracePeriodSeconds": 3},
            app={"APP_SLOW_S": "6"},
            load=WITH_SLOW,
        ),
        {"grace_s"},
        set(),
    ),
    "no readiness probe": (
        Case(cause="creation-race", container={}, app=SLOW_START),
        {"prestop_s"},
        {"no-readiness-probe"},
    ),
    "readiness probe of another port": (
        Case(
            cause="creation-race",
            container={"readinessProbe": {"tcpSocket": {"port": 9090}, "periodSeconds": 1}},
            sidecars=(SIDE,),
            app=SLOW_START,
        ),
        {"prestop_s"},
        {"probe-on-another-port"},
    ),
    "all old pods may go first": (
        Case(cause="no-endpoints", spec={"replicas": 1, "strategy": ONE_LESS}, app=SLOW_START),
        {"prestop_s"},
        {"max-unavailable-all"},
    ),
    "Recreate": (
        Case(cause="no-endpoints", spec={"strategy": {"type": "Recreate"}}, app=SLOW_START),
        {"prestop_s"},
        {"recreate"},
    ),
    "StatefulSet": (Case(cause="termination-race", kind="StatefulSet"), {"prestop_s"}, set()),
    "StatefulSet of one": (
        Case(cause="no-endpoints", kind="StatefulSet", spec={"replicas": 1}, app=SLOW_START),
        {"prestop_s"},
        {"lone-stateful-pod"},
    ),
    "StatefulSet with a partition": (
        Case(cause="termination-race", kind="StatefulSet", spec={"updateStrategy": PARTITION}),
        {"prestop_s"},
        set(),
    ),
}
"""The case, and what its advice must be: settings that are too small, and hazards that the manifest is to lose."""

QUICK = {"one replica"}


@pytest.mark.parametrize(
    ("case", "settings", "mends"),
    [
        pytest.param(*each, id=name, marks=() if name in QUICK else (pytest.mark.slow,))
        for name, each in BY_SETTINGS.items()
    ],
)
def test_what_the_advice_can_set_holds(
    case: Case, settings: set[str], mends: set[str], tmp_path: Path, repository: Path
) -> None:
    run = proved(case, tmp_path, repository)
    assert settings <= run.raised
    assert "min_ready_s" not in run.raised  # inside a cluster it would have saved none of these
    assert set(run.advice["mends"]) == mends
    assert (run.advice["progress_deadline_s"] is None) == (case.kind == "StatefulSet")
    is_seamless(run.sized)


BY_APPLICATION: dict[str, tuple[Case, str]] = {
    "cut in hand": (
        Case(
            cause="in-flight-kill",
            container=READY | sleep(6),
            app={"APP_ON_SIGTERM": "cut", "APP_LATENCY_S": "0.3"},
            load=BUSY,
        ),
        FINISH,
    ),
    "never ends by itself": (
        Case(
            cause="in-flight-kill",
            pod={"terminationGracePeriodSeconds": 5},
            app={"APP_ON_SIGTERM": "ignore", "APP_LATENCY_S": "0.3"},
            load=BUSY,
        ),
        END,
    ),
    "refuses on the connections that it has": (
        Case(cause="termination-race", container=READY | sleep(6), load=BUSY, stand_in="refuses"),
        SERVE,
    ),
    "ready before it serves": (
        Case(
            cause="creation-race",
            container=sleep(6) | {"readinessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1}},
            app=SLOW_START,
        ),
        PROBE,
    ),
}
"""The case, and the sentence that says what must change."""


@pytest.mark.slow
@pytest.mark.parametrize(("case", "sentence"), BY_APPLICATION.values(), ids=BY_APPLICATION)
def test_what_no_setting_cures_is_a_sentence_and_no_setting_is_claimed(
    case: Case, sentence: str, tmp_path: Path, repository: Path
) -> None:
    run = proved(case, tmp_path, repository)
    assert run.advice["cure"] == [sentence]
    assert run.raised == set()
    assert not any(remedy["by_settings"] for remedy in run.advice["remedies"])
    assert run.sized is None
    assert "Nothing to prove: no variant dropped calls that settings would have prevented." in run.said
    assert sentence in run.said


def test_what_still_drops_with_the_advice_applied_says_what_remains_and_why(tmp_path: Path, repository: Path) -> None:
    app = {"APP_ON_SIGTERM": "cut", "APP_LATENCY_S": "0.3"}
    load = LOAD | {"kept": {"rate": 30, "connections": 12}}
    case = Case(cause="in-flight-kill", spec={"replicas": 1}, app=app, load=load)
    run = proved(case, tmp_path, repository)
    assert run.raised == {"prestop_s"}
    assert run.sized is not None
    assert set(run.sized["causes"]) <= {"in-flight-kill", "idle-close"}
    told = "with requests in hand; neither preStop, minReadySeconds nor a longer grace period cures it"
    reports = [(run.folder / "sized" / f"report.{kind}").read_text() for kind in ("md", "html")]
    for text in (run.said, *(" ".join(report.split()) for report in reports)):
        assert "applied: preStop 5 s" in text
        assert "what remains: " in text
        assert told in text
        assert FINISH in text
