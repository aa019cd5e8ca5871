"""What can be known without a cluster is told before anything is changed: refused where it could show nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from paper_api import paper_kube
from typer.testing import CliRunner

from harness.cli.app import app
from harness.errors import UsageError
from harness.runner.experiment_file import read_experiment
from harness.runner.preflight import check_nodes, check_scenarios, trouble, warnings
from harness.runner.scenario import Scenario, scenarios

EXPERIMENT = """\
version: 1
name: preflight
manifests: [web.yaml]
target: {kind}/web
service: {{name: web, port: 80}}
load: {{new: {{rate: 10}}}}
cluster: {cluster}
variants: {{default: {{}}, prestop: {{mitigations: [{{prestop: 5s}}]}}}}
"""
WORKLOAD = """\
apiVersion: apps/v1
kind: {kind}
metadata: {{name: web}}
spec:
  replicas: {replicas}
  minReadySeconds: 5
  {spec}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      {pod}
      containers:
        - name: web
          image: {image}
          ports: [{{name: http, containerPort: 80}}]
          readinessProbe: {{httpGet: {{path: /, port: {probe}}}}}
          {container}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{{service}selector: {{app: web}}, ports: [{{port: 80, targetPort: {target}}}]}}
{more}"""


def written(
    folder: Path,
    *,
    kind: str = "Deployment",
    replicas: str = "3",
    spec: str = "",
    pod: str = "",
    container: str = "",
    image: str = "nginx:1.29.1",
    probe: str = "http",
    service: str = "",
    target: str = "http",
    more: str = "",
    cluster: str = "{sandbox: {}}",
) -> Path:
    """An experiment and its manifest; each argument changes one thing of a workload without faults."""
    manifest = WORKLOAD.format(
        kind=kind,
        replicas=replicas,
        spec=spec,
        pod=pod,
        container=container,
        image=image,
        probe=probe,
        service=service,
        target=target,
        more=more,
    )
    (folder / "web.yaml").write_text(manifest)
    file = folder / "experiment.yaml"
    file.write_text(EXPERIMENT.format(kind=kind.lower(), cluster=cluster))
    return file


def planned(file: Path) -> tuple[Scenario, ...]:
    return scenarios(read_experiment(file))


SLEEP_9 = "{exec: {command: [sleep, '9']}}"
BLOCKED = [
    ({"spec": "paused: true"}, "while it is paused an update replaces no pod (paused: true). Needed: paused: false."),
    (
        {"kind": "StatefulSet", "spec": "updateStrategy: {type: OnDelete}"},
        "(updateStrategy: OnDelete). Needed: updateStrategy: RollingUpdate, or a disruption",
    ),
    (
        {"kind": "StatefulSet", "spec": "updateStrategy: {rollingUpdate: {partition: 3}}"},
        "for its partition keeps them all (partition: 3, replicas: 3). Needed: partition: 0.",
    ),
    ({"replicas": "0"}, "or answer a request (replicas: 0). Needed: replicas of at least 1"),
    ({"service": "clusterIP: None, "}, "(clusterIP: None in Service web). Needed: a Service with a ClusterIP."),
    (
        {"pod": "priorityClassName: 1"},
        "web.yaml:12 before anything is changed: spec.template.spec.priorityClassName is 1, a number without quotes",
    ),
    (
        {"more": "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: of-shop}, data: {port: 8080}}\n"},
        "checking ConfigMap of-shop of ",
    ),
    (
        {"pod": "terminationGracePeriodSeconds: 3", "container": "lifecycle: {preStop: {sleep: {seconds: 9}}}"},
        "web.yaml:18 before anything is changed: spec.template.spec.containers[0].lifecycle.preStop.sleep: Invalid "
        "value: 9: must be non-negative and less than terminationGracePeriodSeconds (3). Kubernetes would refuse it",
    ),
    (
        {"container": "env: [{name: a=b}, {name: c=d}, {name: e=f}, {name: g=h}]"},
        'before anything is changed: spec.template.spec.containers[0].env[0].name: Invalid value: "a=b"',
    ),
    (
        {"more": "---\n{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 8}, {port: 9}]}}\n"},
        "before anything is changed: spec.ports[0].name: Required value; spec.ports[1].name: Required value. K",
    ),
    (
        {"more": "---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: few}, spec: {hard: {pods: 3}}}\n"},
        "ResourceQuota few leaves pods for 3 more, and the run takes 4 (4 of its pods at once). Ask for a larger quota",
    ),
]
BLOCKED_IDS = [
    "paused", "on-delete", "partition", "no pods", "headless", "a type", "another object's type", "a field",
    "several fields", "another object's field", "a quota of its own",
]  # fmt: skip


@pytest.mark.parametrize(("numbers", "told"), [("0", True), ("[5, 0]", True), ("1", False)])
def test_that_no_pod_is_left_is_said_before_it_is_done(tmp_path: Path, numbers: str, told: bool) -> None:
    file = written(tmp_path)
    file.write_text(file.read_text() + f"disruption: {{scale: {{to: {numbers}}}}}\n")
    words = "deployment/web scaled to 0 has no pod: every request fails until one is Ready again"
    assert (words in warnings(planned(file))) is told


@pytest.mark.parametrize(("change", "says"), BLOCKED, ids=BLOCKED_IDS)
def test_what_could_show_nothing_is_refused(tmp_path: Path, change: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_scenarios(planned(written(tmp_path, **change)))
    assert str(refused.value).startswith("checking ")
    assert says in str(refused.value)


def test_a_rollout_that_cannot_end_in_its_time_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path)
    file.write_text(file.read_text().replace("name: preflight", "name: preflight\nrollout_timeout: 14s"))
    with pytest.raises(UsageError) as refused:
        check_scenarios(planned(file))
    assert refused.value.seen == (
        "a rollout takes 3 steps, each of at least its minReadySeconds of 5, and rollout_timeout is 14 s"
    )
    file.write_text(file.read_text().replace("14s", "15s"))
    check_scenarios(planned(file))


@pytest.mark.parametrize(("pods", "spec"), [("4", ""), ("3", "strategy: {rollingUpdate: {maxUnavailable: 1}}")])
def test_a_quota_of_its_own_with_which_a_rollout_gets_on_is_not(tmp_path: Path, pods: str, spec: str) -> None:
    quota = f"---\n{{apiVersion: v1, kind: ResourceQuota, metadata: {{name: few}}, spec: {{hard: {{pods: {pods}}}}}}}\n"
    check_scenarios(planned(written(tmp_path, more=quota, spec=spec)))


@pytest.mark.parametrize("command", [("run", "--dry-run"), ("run",)], ids=["dry run", "run"])
@pytest.mark.parametrize("change", [change for change, _ in BLOCKED], ids=BLOCKED_IDS)
def test_run_and_dry_run_refuse_it_before_a_cluster_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("harness.clusters.choice.cluster", lambda *_, **__: pytest.fail("a cluster was started"))
    done = CliRunner().invoke(app, [*command, str(written(tmp_path, **change))])
    assert isinstance(done.exception, UsageError)
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"image": "shop:1"}, "the sandbox does not know shop:1"),
        ({"target": "metrics"}, "its targetPort is 'metrics', and no container has a TCP port of that name"),
    ],
    ids=["image", "port"],
)
def test_a_dry_run_finds_what_the_sandbox_would_not_run(tmp_path: Path, change: dict[str, str], says: str) -> None:
    done = CliRunner().invoke(app, ["run", "--dry-run", str(written(tmp_path, **change))])
    assert isinstance(done.exception, UsageError)
    assert says in str(done.exception)


@pytest.mark.parametrize(
    ("command", "own", "says"),
    [
        ("[pyton3, app.py]", "", "mind: this machine has no program 'pyton3', which `images:` names for shop:1"),
        ("[/no/such/program]", "", "this machine has no program '/no/such/program'"),
        ("[pyton3, app.py]", "command: [python3]", ""),
        ("[pyton3], arguments: image", "command: [python3]", "this machine has no program 'pyton3'"),
        ("[pyton3, app.py]", "env: [{name: PATH, value: /opt/bin}]", ""),
        ('["{python}", app.py]', "", ""),
        ("[sh]", "", ""),
    ],
)
def test_a_dry_run_finds_a_program_that_this_machine_has_not(tmp_path: Path, command: str, own: str, says: str) -> None:
    file = written(tmp_path, image="shop:1", container=own)
    file.write_text(file.read_text() + f"images: {{'shop:1': {{command: {command}}}}}\n")
    done = CliRunner().invoke(app, ["run", "--dry-run", str(file)])
    assert done.exit_code == 0
    assert ("this machine has no program" in done.output) == bool(says)
    assert says in done.output
    elsewhere = CliRunner().invoke(app, ["run", "--dry-run", "--cluster", "context:mine", str(file)])
    assert "this machine has no program" not in elsewhere.output


def test_a_dry_run_says_which_kinds_are_left_out_in_the_sandbox(tmp_path: Path) -> None:
    strange = "---\napiVersion: {}\nkind: {}\nmetadata: {{name: web}}\n"
    storage = strange.format("storage.k8s.io/v1", "StorageClass")
    done = CliRunner().invoke(app, ["run", "--dry-run", str(written(tmp_path, more=storage))])
    assert done.exit_code == 0
    assert "the sandbox has no controller for such kinds" in " ".join(done.output.split())
    assert "StorageClass" in done.output
    file = written(tmp_path, more=strange.format("monitoring.coreos.com/v1", "ServiceMonitor"))
    done = CliRunner().invoke(app, ["run", "--dry-run", str(file)])
    assert isinstance(done.exception, UsageError)  # nobody asked to go without it
    assert "ServiceMonitor" in str(done.exception)
    file.write_text(file.read_text() + "others: skip\n")
    done = CliRunner().invoke(app, ["run", "--dry-run", str(file)])
    assert (done.exit_code, "ServiceMonitor" in done.output) == (0, True)


def test_of_another_cluster_neither_images_nor_kinds_are_known(tmp_path: Path) -> None:
    file = written(tmp_path, image="shop:1", cluster="{context: mine}")
    assert CliRunner().invoke(app, ["run", "--dry-run", str(file)]).exit_code == 0


SECRET = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: app-secrets}\n"
USES = "envFrom: [{secretRef: {name: app-secrets}}]"
GREEN = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: green}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "nginx:1.28.0"}]}}
"""
VOLUME = (
    "volumes: [{name: v, projected: {sources: [{configMap: {name: conf}}, {configMap: {name: kube-root-ca.crt}}]}}]"
)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"container": USES}, ("its pods need Secret app-secrets, which is not among the manifests",)),
        ({"container": USES, "more": SECRET}, ()),
        ({"container": "envFrom: [{secretRef: {name: app-secrets, optional: true}}]"}, ()),
        (
            {"container": "env: [{name: A, valueFrom: {configMapKeyRef: {name: conf, key: a}}}]"},
            ("its pods need ConfigMap conf, which is not among the manifests",),
        ),
        ({"pod": VOLUME}, ("its pods need ConfigMap conf, which is not among the manifests",)),
        (
            {"pod": "volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]"},
            ("its pods need PersistentVolumeClaim data, which is not among the manifests",),
        ),
        (
            {"container": "livenessProbe: {tcpSocket: {port: admin}}"},
            ("the livenessProbe of container web asks port 'admin', which it has not",),
        ),
        ({"target": "9090", "probe": "9090"}, ("a Service sends to port 9090, which no container declares",)),
        (
            {"pod": "terminationGracePeriodSeconds: 3", "container": f"lifecycle: {{preStop: {SLEEP_9}}}"},
            (
                "its preStop hook leaves nothing of the grace period for the work that is under way "
                "(the hook takes 9 s, terminationGracePeriodSeconds is 3)",
            ),
        ),
        (
            {"container": "readynessProbe: {httpGet: {port: http}}", "spec": "replica: 2"},
            (
                'Deployment web of {folder}/web.yaml: unknown field "spec.replica"; did you mean replicas?',
                'Deployment web of {folder}/web.yaml: unknown field "spec.template.spec.containers[0].readynessProbe"; '
                "did you mean readinessProbe?",
            ),
        ),
        (
            {"spec": "minReadySeconds: 6"},
            (
                "{folder}/web.yaml, line 7: the key 'minReadySeconds' stands in line 6 already; the last one counts, "
                "as for kubectl apply -f (kubectl apply -k refuses it)",
            ),
        ),
        (
            {"more": GREEN},
            (
                "Service web sends to deployment/green too: where a pod of it goes in a rollout, what fails by that "
                "cannot be told from what deployment/web loses",
            ),
        ),
        ({"more": GREEN.replace("{app: web}", "{app: green}")}, ()),
        ({"more": "---\napiVersion: shop/v1\nkind: Till\nmetadata: {name: a}\nspec: {any: thing}\n"}, ()),
        ({}, ()),
    ],
)
def test_what_else_is_wrong_is_told_and_not_refused(
    tmp_path: Path, change: dict[str, str], says: tuple[str, ...]
) -> None:
    file = written(tmp_path, cluster="{context: mine}", **change)
    says = tuple(words.replace("{folder}", str(tmp_path)) for words in says)
    told = warnings(planned(file))
    assert set(says) <= set(told)
    assert says or not told
    done = CliRunner().invoke(app, ["run", "--dry-run", str(file)])
    assert done.exit_code == 0
    assert all(f"mind: {words}" in " ".join(done.output.split()) for words in says)
    told_lines = [line for line in done.output.splitlines() if line.startswith(("mind: ", "  "))]
    assert all(len(line) <= 80 or " " not in line.strip() for line in told_lines)  # a path is not broken


@pytest.mark.anyio
async def test_a_drain_of_the_only_node_is_refused_before_anything_is_deployed(tmp_path: Path) -> None:
    file = written(tmp_path)
    (drained,), (rolled,) = (
        scenarios(read_experiment(file).model_copy(update={"disruption": asked}))[:1] for asked in ("drain", "restart")
    )
    node = {"metadata": {"name": "node-1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    async with paper_kube(
        {"GET /api/v1/nodes": [{"items": [node, {"metadata": {"name": "node-2"}, "status": {}}]}]}
    ) as (kube, _):
        await check_nodes(kube, [rolled])
        with pytest.raises(UsageError, match="no node can be drained: no other node takes pods"):
            await check_nodes(kube, [rolled, drained])


@pytest.mark.anyio
async def test_what_crashes_is_told_with_its_exit_code_restarts_and_last_line() -> None:
    shop, apps = "namespaces/shop", "/apis/apps/v1/namespaces/shop"
    deployment = {"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "uid": "d"}, "spec": {}}
    owned = {"metadata": {"name": "web-1", "uid": "r", "ownerReferences": [{"uid": "d", "controller": True}]}}
    status = {
        "name": "web",
        "restartCount": 7,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
        "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}},
    }
    pod = {
        "metadata": {"name": "web-1-a", "uid": "p", "ownerReferences": [{"uid": "r", "controller": True}]},
        "status": {"containerStatuses": [status]},
    }
    answers = {
        f"GET /api/v1/{shop}/pods": [{"items": [pod]}],
        f"GET {apps}/replicasets": [{"items": [owned]}],
        f"GET /api/v1/{shop}/events": [403],
        f"GET /api/v1/{shop}/pods/web-1-a/log": [["listening", "no DATABASE_URL given"]],
    }
    async with paper_kube(answers) as (kube, api):
        words, mend = await trouble(kube, deployment)
        assert api.asked(f"GET /api/v1/{shop}/pods/web-1-a/log")[0].query["previous"] == "true"
    assert words == (
        "container web of web-1-a: CrashLoopBackOff, its last end was exit code 3, restarted 7 times; "
        "the last line of its log is 'no DATABASE_URL given'"
    )
    assert mend == "See its log for why it ends."
