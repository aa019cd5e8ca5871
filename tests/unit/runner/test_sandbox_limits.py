"""What the sandbox makes of a scenario: refused, left out, or run otherwise than it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from harness.errors import UsageError
from harness.model.cluster_settings import SandboxSettings
from harness.model.experiment import Experiment
from harness.runner.sandbox_limits import check_balancer, check_room, in_the_sandbox
from harness.runner.scenario import Scenario, scenarios

STAND_INS = {"*": {"stand_in": "finishes"}}


def pod(**fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "w", "image": "acme/shop:1", "ports": [{"containerPort": 80}]}], **fields}


def workload(name: str = "web", kind: str = "Deployment", spec: dict[str, Any] | None = None) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec or pod()}
    selector = {"matchLabels": labels}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"selector": selector, "template": template},
    }


SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
}


@pytest.fixture
def planned(tmp_path: Path) -> Any:
    def made(*manifests: dict[str, Any], **experiment: Any) -> Scenario:
        with (tmp_path / "m.yaml").open("w") as file:
            YAML().dump_all((*manifests, SERVICE), file)
        fields = {"version": 1, "name": "x", "manifests": [str(tmp_path / "m.yaml")], "load": {"new": {"rate": 1}}}
        fields |= {"service": {"name": "web", "port": 80}, "images": STAND_INS, **experiment}
        (scenario,) = scenarios(Experiment.model_validate(fields))
        return scenario

    return made


def names(scenario: Scenario) -> list[str]:
    return [f"{m['kind']} {m['metadata']['name']}" for m in scenario.application.manifests]


def test_others_run_unless_they_are_to_be_skipped(planned: Any) -> None:
    others = (workload("cache"), workload("agent", "DaemonSet"), workload("db", "StatefulSet"))
    assert names(planned(workload(), *others))[:2] == ["Deployment web", "Deployment cache"]
    skipped = planned(workload(), *others, others="skip")
    assert names(skipped) == ["Deployment web", "Service web"]
    told = "Left out, as others: skip says: Deployment cache, DaemonSet agent, StatefulSet db."
    assert skipped.provisos == (told,)


def test_what_helm_runs_beside_a_release_is_left_out_and_said(planned: Any) -> None:
    hook = {"metadata": {"name": "migrate", "annotations": {"helm.sh/hook": "pre-upgrade"}}}
    template = {"metadata": {}, "spec": {"restartPolicy": "Never", "containers": [{"name": "m", "image": "migrate:1"}]}}
    job = {"apiVersion": "batch/v1", "kind": "Job", **hook, "spec": {"template": template}}
    settings = {"apiVersion": "v1", "kind": "ConfigMap", **hook, "data": {"a": "b"}}
    images = {"acme/shop:1": {"stand_in": "finishes"}}
    scenario = in_the_sandbox(planned(workload(), job, settings, images=images))
    assert names(scenario) == ["Deployment web", "ConfigMap migrate", "Service web"]
    assert scenario.provisos[0] == "Left out, since Helm runs what has helm.sh/hook, and no rollout does: Job migrate."


def test_kinds_that_the_sandbox_has_not_are_left_out_and_said(planned: Any) -> None:
    storage = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}}
    seen = in_the_sandbox(planned(storage, account, workload(), workload("agent", "DaemonSet")))
    assert names(seen) == ["ServiceAccount web", "Deployment web", "DaemonSet agent", "Service web"]
    assert seen.provisos == ("Left out, since the sandbox has no controller for such kinds: StorageClass fast.",)
    assert in_the_sandbox(seen).provisos == seen.provisos  # once more changes nothing


def test_a_target_of_a_kind_that_it_has_not_is_refused(planned: Any) -> None:
    old = {**workload(), "apiVersion": "extensions/v1beta1"}
    with pytest.raises(UsageError, match=r"there is no kind .Deployment. in extensions/v1beta1"):
        in_the_sandbox(planned(old))


HOST_PORT = pod()
HOST_PORT["containers"] = [{**HOST_PORT["containers"][0], "ports": [{"containerPort": 80, "hostPort": 8080}]}]


@pytest.mark.parametrize(("spec", "why"), [(pod(hostNetwork=True), "hostNetwork: true"), (HOST_PORT, "hostPort: 8080")])
def test_what_a_pod_wants_of_its_node_is_refused_also_of_others(planned: Any, spec: Any, why: str) -> None:
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare"}, "spec": spec}
    for manifests in ((workload(spec=spec),), (workload(), workload("cache", spec=spec)), (workload(), bare)):
        with pytest.raises(UsageError, match=why):
            in_the_sandbox(planned(*manifests))
    in_the_sandbox(planned(workload(), bare, others="skip"))


def test_images_that_nobody_knows_are_refused(planned: Any) -> None:
    with pytest.raises(UsageError, match="the sandbox does not know acme/shop:1"):
        in_the_sandbox(planned(workload(), images={}))


def test_what_stand_ins_do_otherwise_is_said(planned: Any) -> None:
    shop = {
        **pod()["containers"][0],
        "envFrom": [{"secretRef": {"name": "keys"}}],
        "readinessProbe": {"exec": {"command": ["check"]}},
        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "sleep 5; drain"]}}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "conf", "mountPath": "/conf"}],
    }
    volumes = [{"name": "data", "nfs": {}}, {"name": "conf", "configMap": {"name": "web"}}]
    spec = {"containers": [shop], "initContainers": [{"name": "migrate", "image": "m"}], "volumes": volumes}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}}
    assert in_the_sandbox(planned(workload(spec=spec), config)).provisos == (
        "Init containers stood in for succeed at once: migrate.",
        "Probes' commands that cannot be run here count as a success while the stand-in listens: readinessProbe of w.",
        "Hooks that do more than sleep are run with this machine's programs, and what fails of them is passed over: w.",
        "Not among the manifests, so left empty: Secret keys.",
        "Volumes that are empty folders: data.",
    )


def test_of_a_mapped_image_nothing_is_said(planned: Any) -> None:
    spec = pod(volumes=[{"name": "data", "nfs": {}}])
    spec["containers"][0]["readinessProbe"] = {"exec": {"command": ["check"]}}
    mapped = in_the_sandbox(planned(workload(spec=spec), images={"acme/shop": {"command": ["x"]}}))
    assert mapped.provisos == ()


CLASS = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "traefik"}}


def ingress(name: str) -> dict[str, Any]:
    paths = [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]
    spec = {"ingressClassName": name, "rules": [{"http": {"paths": paths}}]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"}, "spec": spec}


def front(kind: str) -> dict[str, Any]:
    spec = {"type": kind, "selector": {"app": "edge"}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "edge"}, "spec": spec}


def test_a_class_that_the_manifests_bring_needs_no_balancer_of_layer_7(planned: Any) -> None:
    made = planned(workload(), CLASS, ingress("traefik"), front("LoadBalancer"), path="ingress")
    check_balancer([made], SandboxSettings.model_validate({"balancer": "none"}))
    for path in ({"ingress": {"controller": "edge"}}, {"ingress": {"controller": "shop/edge"}}):
        by_name = planned(workload(), CLASS, ingress("traefik"), front("NodePort"), path=path)
        check_balancer([by_name], SandboxSettings())


@pytest.mark.parametrize(
    ("name", "path", "kind", "balancer", "says"),
    [
        ("nobody", "ingress", "LoadBalancer", None, "no load balancer, so that Ingress web would stay pending"),
        ("nobody", "ingress", "LoadBalancer", "aws-alb-ip", "is of class nobody, and aws-alb-ip serves alb"),
        ("traefik", "ingress", "LoadBalancer", None, "no load balancer, so that Service edge would stay pending"),
        ("traefik", "ingress", "LoadBalancer", "aws-alb-ip", "aws-alb-ip is not one of layer 4, so that Service edge"),
        ("traefik", "ingress", "NodePort", "none", "no Service of the manifests is of type LoadBalancer"),
        (
            "traefik",
            {"ingress": {"controller": "edgy"}},
            "NodePort",
            None,
            "no Service of the manifests is called edgy",
        ),
    ],
)
def test_an_ingress_that_would_stay_without_an_address_is_refused(
    planned: Any, name: str, path: Any, kind: str, balancer: str | None, says: str
) -> None:
    made = planned(workload(), CLASS, ingress(name), front(kind), path=path)
    settings = SandboxSettings.model_validate({} if balancer is None else {"balancer": balancer})
    with pytest.raises(UsageError, match=says):
        check_balancer([made], settings)


def apart(key: str = "kubernetes.io/hostname", **more: Any) -> dict[str, Any]:
    term = {"topologyKey": key, "labelSelector": {"matchLabels": {"app": "web"}}, **more}
    return pod(affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}})


def replicas(number: int, unavailable: int, spec: dict[str, Any]) -> dict[str, Any]:
    made = workload(spec=spec)
    strategy = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": unavailable}}
    made["spec"] |= {"replicas": number, "strategy": strategy}
    return made


HUGE = pod()
HUGE["containers"][0]["resources"] = {"requests": {"cpu": "65"}}


@pytest.mark.parametrize(
    ("made", "nodes", "seen", "advice"),
    [
        (
            replicas(2, 1, apart()),
            1,
            "one of its pods would find no node: 0/1 nodes are available: 1 node(s) didn't match pod anti-affinity",
            "`cluster: {sandbox: {nodes: 2}}` would do; or: Take out of its pod template what keeps its pods from",
        ),
        (
            replicas(2, 0, apart()),
            2,
            "the new pod of a rollout, which comes before an old one goes, would find no node: 0/2 nodes are "
            "available: 2 node(s) didn't match pod anti-affinity rules",
            "`cluster: {sandbox: {nodes: 3}}` would do; or: It must",
        ),
        (replicas(10, 1, apart()), 9, "one of its pods would find no node: 0/9", "Take out of its pod"),
        (replicas(1, 1, pod(nodeSelector={"disk": "ssd"})), 1, "1 node(s) didn't match Pod's node", "Take out"),
        (replicas(1, 1, HUGE), 1, "1 Insufficient cpu", "Make room on a node that fits, or request less cpu."),
    ],
)  # fmt: skip
def test_a_pod_that_would_wait_for_a_node_for_ever_is_refused_beforehand(
    planned: Any, made: Any, nodes: int, seen: str, advice: str
) -> None:
    with pytest.raises(UsageError) as told:
        check_room([planned(made)], SandboxSettings(nodes=nodes))
    assert told.value.tried == "planning deployment/web for the sandbox"
    assert seen in told.value.seen
    assert told.value.do.startswith(advice)


@pytest.mark.parametrize(
    ("made", "nodes"),
    [
        (replicas(2, 0, apart()), 3),
        (replicas(2, 1, apart()), 2),
        (replicas(2, 0, apart(matchLabelKeys=["pod-template-hash"])), 2),
        (replicas(2, 0, apart("rack")), 1),
        (replicas(2, 1, apart("topology.kubernetes.io/zone")), 2),
        (replicas(3, 0, pod()), 1),
        (replicas(1, 0, pod(affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "cache"}}}]}})), 1),
        (replicas(1, 0, pod(schedulerName="mine", nodeSelector={"a": "b"})), 1),
    ],
)  # fmt: skip
def test_pods_that_find_their_nodes_are_not(planned: Any, made: Any, nodes: int) -> None:
    check_room([planned(made)], SandboxSettings(nodes=nodes))


def test_a_network_policy_that_nothing_enforces_is_told(planned: Any) -> None:
    metadata, spec = {"name": "deny"}, {"podSelector": {}}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
    (told,) = [each for each in in_the_sandbox(planned(workload(), policy)).provisos if "NetworkPolicy" in each]
    assert told == "NetworkPolicy deny is not enforced in the sandbox: what it keeps away comes through"


def test_what_rolls_nothing_needs_no_node_for_a_new_pod(planned: Any) -> None:
    check_room([planned(replicas(2, 0, apart()), disruption={"evict": {"pods": 1}})], SandboxSettings(nodes=2))
