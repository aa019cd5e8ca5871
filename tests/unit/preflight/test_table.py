"""What the namespace of an application that is there does to its rollouts, each thing alone."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from harness.manifests.application import Application
from harness.preflight.intent import Intent
from harness.preflight.surroundings import Surroundings
from harness.preflight.table import findings

Object = dict[str, Any]
LABELS = {"app": "web"}
CONTAINER: Object = {"name": "web", "image": "web:1", "ports": [{"name": "http", "containerPort": 8080}]}
ARGO_ID = "argocd.argoproj.io/tracking-id"
FROM_LOAD = "from the load into its pods"
DEPLOYMENT: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "generation": 3},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {"containers": [CONTAINER]},
        },
    },
    "status": {"observedGeneration": 3, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3},
}  # fmt: skip
SERVICE: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": LABELS, "ports": [{"port": 80, "targetPort": "http"}]},
}
WORKER: Object = {"metadata": {"name": "load", "labels": {"role": "load"}}, "spec": {"containers": []}}


def lines(
    *objects: Object,
    disruption: str = "restart",
    node: str | None = None,
    metadata: Object | None = None,
    spec: Object | None = None,
    status: Object | None = None,
    namespace: Object | None = None,
    pods: dict[str, Object] | None = None,
    nodes: tuple[Object, ...] | None = None,
    trouble: tuple[str, str] = ("", ""),
    lease: Object | None = None,
    restores: tuple[str, ...] = (),
) -> list[str]:
    """What is said of an application that is there, with these objects beside it."""
    target = deepcopy(DEPLOYMENT)
    target["metadata"] |= metadata or {}
    target["spec"] |= spec or {}
    target["status"] |= status or {}
    application = Application(target=target, service=SERVICE, port=80, manifests=(target, SERVICE))
    intent = Intent(
        application=application,
        namespace="shop",
        there=True,
        disruption=disruption,
        node=node,
        worker_pods=(WORKER,),
        restores=restores,
    )
    kinds: dict[str, tuple[Object, ...]] = {}
    for each in objects:
        kinds[each["kind"]] = (*kinds.get(each["kind"], ()), each)
    around = Surroundings(
        name="shop",
        namespace={"metadata": {"name": "shop", **(namespace or {})}},
        exists=True,
        objects=kinds,
        target=target,
        nodes=nodes,
        trouble=trouble,
        lease=lease,
    )
    return [found.line for found in findings(intent, around, pods or {})]


def test_where_nothing_is_in_the_way_nothing_is_said() -> None:
    assert lines() == []


ARGO = "with self-heal it takes back what others change, within seconds. Suspend it for the run, where it would."
FLUX = "it takes back what others change at its next reconciliation. Suspend it for the run, where it would."
HELM = "its next upgrade takes back what others change. Suspend it for the run, where it would."


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"annotations": {ARGO_ID: "shop:apps/Deployment:shop/web"}}, f"Argo CD's (shop): {ARGO}"),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, f"Argo CD's (shop): {ARGO}"),
        ({"managedFields": [{"manager": "argocd-controller"}]}, f"Argo CD's (argocd-controller): {ARGO}"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, f"Flux's (apps): {FLUX}"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}, f"Flux's (shop): {FLUX}"),
        ({"annotations": {"meta.helm.sh/release-name": "shop"}}, f"Helm's (shop): {HELM}"),
    ],
)  # fmt: skip
def test_who_would_revert_it_is_named(metadata: Object, says: str) -> None:
    assert lines(metadata=metadata) == [f"mind: Deployment web is {says}"]


@pytest.mark.parametrize(
    ("records", "restores", "says"),
    [
        ("/elsewhere/run", (), "To put it back: rollout-harness restore /elsewhere/run"),
        ("/elsewhere/run", ("first", "second"), "To put it back: first, then second"),
        ("", (), "give `rollout-harness restore` the folder of that run, on the machine where it ran."),
    ],
)
def test_what_an_earlier_run_left_changed_is_told_with_what_puts_it_back(
    records: str, restores: tuple[str, ...], says: str
) -> None:
    ours, lease = {"managedFields": [{"manager": "rollout-harness"}]}, {"metadata": {}}
    lease["metadata"] = {"annotations": {"rollout-harness/records": records}}
    (line,) = lines(metadata=ours, lease=lease, restores=restores)
    assert line.startswith("mind: an earlier run has changed Deployment web and not put it back; ")
    assert line.endswith(says)


def test_labels_that_everybody_uses_name_no_owner() -> None:
    metadata = {"labels": {"app.kubernetes.io/managed-by": "ada", "app.kubernetes.io/instance": "shop"}}
    assert lines(metadata=metadata) == []


def test_a_rollout_that_is_under_way_stops_the_run() -> None:
    assert lines(status={"updatedReplicas": 1, "availableReplicas": 3}) == [
        "Deployment web is rolling already: 1 of 3 pods updated, 3 available. "
        "Wait until that rollout is complete, or undo it."
    ]


def test_pods_that_are_not_up_are_no_rollout() -> None:
    loops = ("container web of web-1: CrashLoopBackOff", "See its log for why it ends.")
    whole = {"updatedReplicas": 3, "availableReplicas": 0}
    assert lines(status=whole, trouble=loops) == [
        "Deployment web is not up: 3 of 3 pods updated, 0 available; container web of web-1: CrashLoopBackOff. "
        "See its log for why it ends. Its pods must be up before they are rolled."
    ]
    assert lines(status=whole)[0].startswith("Deployment web is not up: 3 of 3 pods updated, 0 available. Its pods")
    assert lines(status={**whole, "replicas": 4}, trouble=loops)[0].startswith("Deployment web is rolling already: 3 ")


@pytest.mark.parametrize(
    ("namespace", "template", "name"),
    [
        ({"labels": {"linkerd.io/inject": "enabled"}}, {}, "Linkerd"),
        ({"annotations": {"linkerd.io/inject": "enabled"}}, {}, "Linkerd"),
        ({"labels": {"istio.io/rev": "1-28"}}, {}, "Istio"),
        ({"labels": {"istio.io/dataplane-mode": "ambient"}}, {}, "Istio"),
        ({}, {"labels": {"sidecar.istio.io/inject": "true"}}, "Istio"),
        ({"labels": {"istio-injection": "enabled"}}, {"labels": {"sidecar.istio.io/inject": "false"}}, ""),
        ({"labels": {"linkerd.io/inject": "enabled"}}, {"annotations": {"linkerd.io/inject": "disabled"}}, ""),
        ({}, {"annotations": {"consul.hashicorp.com/connect-inject": "true"}}, "Consul"),
    ],
)
def test_a_mesh_is_named_where_the_pods_are_in_it(namespace: Object, template: Object, name: str) -> None:
    own = deepcopy(DEPLOYMENT["spec"]["template"])
    own["metadata"] = {"labels": LABELS | template.get("labels", {}), "annotations": template.get("annotations", {})}
    said = lines(namespace=namespace, spec={"template": own})
    assert [line.partition(" mesh,")[0] for line in said] == ([f"mind: its pods are in {name}'s"] if name else [])


def test_a_sidecar_that_admission_adds_is_seen_without_any_label() -> None:
    made = {"spec": {"initContainers": [{"name": "istio-proxy", "restartPolicy": "Always"}], "containers": []}}
    assert "in Istio's mesh" in "".join(lines(pods={"application": made}))


def budget(allowed: int) -> Object:
    return {
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "theirs"},
        "spec": {"selector": {"matchLabels": LABELS}},
        "status": {"disruptionsAllowed": allowed},
    }


def test_a_budget_is_asked_by_evictions_only() -> None:
    told = ["note: PodDisruptionBudget theirs changes nothing: no rollout asks it"]
    assert lines(budget(0)) == told
    assert lines(budget(0), disruption="evict")[0].startswith("mind: PodDisruptionBudget theirs allows no disruption")
    assert lines(budget(1), disruption="drain") == []


def node(name: str, *, ready: bool = True, cordoned: bool = False) -> Object:
    spec = {"unschedulable": True} if cordoned else {}
    status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
    return {"metadata": {"name": name}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("nodes", "wanted", "says"),
    [
        ((node("a"),), None, "no node can be drained: no other node takes pods"),
        ((node("a"),), "a", "node a cannot be drained: no other node takes pods"),
        ((node("a"), node("b", ready=False)), "a", "node a cannot be drained"),
        ((node("a"), node("b", cordoned=True)), "a", "node a cannot be drained"),
        ((node("a"), node("b")), "c", "there is no node c, but a, b"),
        ((node("a"), node("b")), None, ""),
        ((node("a"), node("b", cordoned=True)), "b", ""),
        (None, None, ""),
    ],
)
def test_a_drain_needs_a_second_node(nodes: tuple[Object, ...] | None, wanted: str | None, says: str) -> None:
    told = lines(disruption="drain", nodes=nodes, node=wanted)
    assert told == [] if not says else says in told[0]
    assert lines(disruption="evict", nodes=nodes) == []


def quota(hard: dict[str, str], used: dict[str, str], **spec: Any) -> Object:
    return {
        "kind": "ResourceQuota",
        "metadata": {"name": "theirs"},
        "spec": {"hard": hard, **spec},
        "status": {"hard": hard, "used": used},
    }


def test_an_application_that_is_there_needs_room_for_its_surge_and_the_load_alone() -> None:
    assert lines(quota({"pods": "5"}, {"pods": "3"})) == []
    assert lines(quota({"pods": "4"}, {"pods": "3"})) == [
        "ResourceQuota theirs leaves pods for 1 more, and the run takes 2 (1 of its pods at once and 1 of the load). "
        "Ask for a larger quota, want less, or use another namespace."
    ]
    assert lines(quota({"pods": "4"}, {"pods": "3"}, scopes=["BestEffort"])) == []


def test_a_quota_of_cpu_counts_limits_where_no_request_is_written() -> None:
    template = deepcopy(DEPLOYMENT["spec"]["template"])
    template["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "600m"}}
    small = quota({"requests.cpu": "2"}, {"requests.cpu": "1500m"})
    assert "leaves requests.cpu for 500m more, and the run takes 600m" in lines(small, spec={"template": template})[0]


def policy(**spec: Any) -> Object:
    return {"kind": "NetworkPolicy", "metadata": {"name": "theirs"}, "spec": {"podSelector": {}, **spec}}


LET_IN = {"from": [{"podSelector": {"matchLabels": {"role": "load"}}}]}


@pytest.mark.parametrize(
    ("policies", "ways"),
    [
        ([policy(policyTypes=["Ingress"])], [FROM_LOAD]),
        ([policy(policyTypes=["Ingress", "Egress"])], ["out of the load's pod", FROM_LOAD]),
        ([policy(ingress=[LET_IN])], []),
        ([policy(ingress=[{**LET_IN, "ports": [{"port": "http"}]}])], []),
        ([policy(ingress=[{**LET_IN, "ports": [{"port": 8080}]}])], []),
        ([policy(ingress=[{**LET_IN, "ports": [{"port": 8000, "endPort": 8100}]}])], []),
        ([policy(ingress=[{**LET_IN, "ports": [{"port": 80}]}])], [FROM_LOAD]),
        ([policy(ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}])], [FROM_LOAD]),
        ([policy(ingress=[{"from": [{"namespaceSelector": {}}]}])], []),
        ([policy(ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"team": "b"}}}]}])], [FROM_LOAD]),
        ([policy(policyTypes=["Ingress"]), policy(ingress=[{}])], []),
        ([policy(podSelector={"matchLabels": {"app": "other"}}, policyTypes=["Ingress"])], []),
    ],
)  # fmt: skip
def test_policies_are_read_as_the_network_reads_them(policies: list[Object], ways: list[str]) -> None:
    said = lines(*policies)
    assert [line.partition("lets no request ")[2].partition(",")[0] for line in said] == ways


def test_an_autoscaler_counts_where_it_scales_this_workload() -> None:
    def scaling(name: str, least: int) -> Object:
        target = {"kind": "Deployment", "name": name}
        spec = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": 3}
        return {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "theirs"}, "spec": spec}

    assert lines(scaling("other", 1)) == []
    assert lines(scaling("web", 3)) == []
    assert lines(scaling("web", 1))[0].startswith("mind: HorizontalPodAutoscaler theirs scales Deployment web (1 to 3)")
