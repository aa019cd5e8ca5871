"""The table of what may stand in a run's way: what is in its namespace, what is said of it, and the exit code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`name`: of the namespace too, with these `labels` and `objects`. `change`: what is other in the manifests.

    `rules`: what the API does in this namespace (`harness.sandbox.instruments.faults`). `line`: what is said, of an
    error from its second part on.
    """

    name: str
    line: str
    code: int
    objects: tuple[Object, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    change: Callable[[list[Object]], None] = lambda _: None
    rules: tuple[Object, ...] = ()


def _object(api_version: str, kind: str, spec: Object) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "theirs"}, "spec": spec}


def _quota(**hard: str) -> Object:
    return _object("v1", "ResourceQuota", {"hard": {key.replace("_", "."): value for key, value in hard.items()}})


def _limits(**item: Object) -> Object:
    return _object("v1", "LimitRange", {"limits": [{"type": "Container", **item}]})


def _policy(spec: Object) -> Object:
    return _object("networking.k8s.io/v1", "NetworkPolicy", {"podSelector": {}, **spec})


def _workload(documents: list[Object]) -> Object:
    return next(each for each in documents if each["kind"] == "Deployment")


def _replicas(number: int) -> Callable[[list[Object]], None]:
    def change(documents: list[Object]) -> None:
        _workload(documents)["spec"]["replicas"] = number

    return change


def _limited(documents: list[Object]) -> None:
    (container,) = _workload(documents)["spec"]["template"]["spec"]["containers"]
    container["resources"] = {"limits": {"cpu": "3"}}


def _signalled(documents: list[Object]) -> None:
    pod = _workload(documents)["spec"]["template"]["spec"]
    pod["os"] = {"name": "linux"}
    pod["containers"][0]["lifecycle"]["stopSignal"] = "SIGQUIT"


_FORBIDDEN = "Do what it asks for, or ask who runs that policy."
_HPA = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "minReplicas": 2}
_CONTAINER = 'container "nginx"'
_SMALL = "Ask for a larger quota, want less, or use another namespace."

ROWS: tuple[Row, ...] = (
    Row(
        name="quota-of-pods",
        objects=(_quota(pods="3"),),
        line="ResourceQuota theirs leaves pods for 3 more, and the run takes 4 (3 of its pods at once and 1 of "
        "the load). " + _SMALL,
        code=2,
    ),
    Row(
        name="quota-of-memory",
        objects=(
            _quota(requests_memory="256Mi"),
            _limits(defaultRequest={"memory": "128Mi"}, default={"memory": "128Mi"}),
        ),
        line="ResourceQuota theirs leaves requests.memory for 256Mi more, and the run takes 512Mi (3 of its pods "
        "at once "
        "and 1 of the load). " + _SMALL,
        code=2,
    ),
    Row(
        name="quota-of-services",
        objects=(_quota(services="0"),),
        line='Service web would be refused: services "web" is forbidden: exceeded quota: theirs, requested: '
        "services=1, "
        "used: services=0, limited: services=0. " + _SMALL,
        code=2,
    ),
    Row(
        name="limits",
        objects=(_limits(max={"cpu": "2"}),),
        change=_limited,
        line='a pod of Deployment web would be refused: pods "web-preflight" is forbidden: maximum cpu usage per '
        "Container "
        "is 2, but limit is 3. Keep to the namespace's LimitRange.",
        code=2,
    ),
    Row(
        name="pod-security",
        labels={"pod-security.kubernetes.io/enforce": "baseline"},
        change=lambda documents: _workload(documents)["spec"]["template"]["spec"].update(hostPID=True),
        line='a pod of Deployment web would be refused: pods "web-preflight" is forbidden: violates PodSecurity '
        '"baseline:latest": host namespaces (hostPID=true). Change what it names in the pod template, or use another '
        "namespace.",
        code=2,
    ),
    Row(
        name="webhook",
        rules=({"do": "deny", "methods": ["POST"], "resources": ["deployments"], "message": "images need a digest"},),
        line='Deployment web would be refused: admission webhook "deny.sandbox" denied the request: images need a '
        "digest. " + _FORBIDDEN,
        code=2,
    ),
    Row(
        name="webhook-of-pods",
        rules=({"do": "deny", "methods": ["POST"], "resources": ["pods"], "message": "no"},),
        line='a pod of Deployment web would be refused: admission webhook "deny.sandbox" denied the request: no; '
        "the load "
        'worker\'s Pod would be refused: admission webhook "deny.sandbox" denied the request: no. ' + _FORBIDDEN,
        code=2,
    ),
    Row(
        name="taken",
        objects=({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}},),
        line="ConfigMap web is there already in namespace taken. Name another namespace, or roll what is there.",
        code=2,
    ),
    Row(
        name="no-such-kind",
        change=lambda documents: documents.append(
            {"apiVersion": "monitoring.example/v1", "kind": "Rule", "metadata": {"name": "alerts"}}
        ),
        line="this cluster has no monitoring.example/v1 Rule, which alerts is. Install what defines it, or leave "
        "it out.",
        code=2,
    ),
    Row(
        name="paused",
        change=lambda documents: _workload(documents)["spec"].update(paused=True),
        line="while it is paused an update replaces no pod (paused: true). Needed: paused: false.",
        code=2,
    ),
    Row(
        name="no-replicas",
        change=_replicas(0),
        line="there is no pod that could be replaced, or answer a request (replicas: 0). Needed: replicas of "
        "at least 1; a HorizontalPodAutoscaler does not scale up from 0 either.",
        code=2,
    ),
    Row(
        name="autoscaler",
        objects=(_object("autoscaling/v2", "HorizontalPodAutoscaler", {**_HPA, "maxReplicas": 8}),),
        line="mind: HorizontalPodAutoscaler theirs scales Deployment web (2 to 8): the load may make it, and pods "
        "that it "
        "takes away in the middle of a rollout are not the rollout's. Set minReplicas and maxReplicas alike for "
        "the run.",
        code=0,
    ),
    Row(
        name="network-in",
        objects=(_policy({"policyTypes": ["Ingress"]}),),
        line="mind: NetworkPolicy theirs lets no request from the load into its pods, where the network heeds it. "
        "Allow "
        "app.kubernetes.io/name: rollout-harness-load.",
        code=0,
    ),
    Row(
        name="network-out",
        objects=(_policy({"policyTypes": ["Egress"], "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}]}),),
        line="mind: NetworkPolicy theirs lets no request out of the load's pod, where the network heeds it. Allow "
        "app.kubernetes.io/name: rollout-harness-load.",
        code=0,
    ),
    Row(
        name="mesh",
        labels={"istio-injection": "enabled"},
        line="mind: its pods are in Istio's mesh, whose proxies may send a failed request again: a verdict is "
        "about what "
        "the mesh's clients see. Take it out of the mesh to measure the application alone.",
        code=0,
    ),
    Row(
        name="budget",
        objects=(
            _object(
                "policy/v1", "PodDisruptionBudget", {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}}
            ),
        ),
        line="note: PodDisruptionBudget theirs changes nothing: no rollout asks it",
        code=0,
    ),
    Row(
        name="hazard",
        change=lambda documents: _workload(documents)["spec"]["template"]["spec"]["containers"][0].pop(
            "readinessProbe"
        ),
        line="mind: without a readiness probe a pod is Ready before it listens (no container has a readinessProbe)",
        code=0,
    ),
)


def _metadata(**more: Object) -> Callable[[list[Object]], None]:
    def change(documents: list[Object]) -> None:
        for key, values in more.items():
            _workload(documents)["metadata"].setdefault(key, {}).update(values)

    return change


def _later(**spec: Any) -> Callable[[list[Object]], None]:
    return lambda documents: _workload(documents)["spec"].update(spec)


def _held_back(documents: list[Object]) -> None:
    """Another template, whose pods do not become ready."""
    _workload(documents)["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:held-back"


_SUSPEND = "Suspend it for the run, where it would."


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """The same of an application that is there and up. `later`: what somebody changed of it just before the run."""

    name: str
    lines: tuple[str, ...]
    code: int
    objects: tuple[Object, ...] = ()
    change: Callable[[list[Object]], None] = lambda _: None
    later: Callable[[list[Object]], None] | None = None
    say: str = ""


THERE: tuple[There, ...] = (
    There(name="there", lines=(), code=0),
    There(
        name="argo",
        change=_metadata(annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:argo/web"}),
        lines=(
            "mind: Deployment web is Argo CD's (shop): with self-heal it takes back what others change, within "
            "seconds. " + _SUSPEND,
        ),
        code=0,
    ),
    There(
        name="flux",
        change=_metadata(labels={"kustomize.toolkit.fluxcd.io/name": "apps"}),
        lines=(
            "mind: Deployment web is Flux's (apps): it takes back what others change at its next reconciliation. "
            + _SUSPEND,
        ),
        code=0,
    ),
    There(
        name="helm",
        change=_metadata(annotations={"meta.helm.sh/release-name": "shop"}),
        lines=("mind: Deployment web is Helm's (shop): its next upgrade takes back what others change. " + _SUSPEND,),
        code=0,
    ),
    There(
        name="rolling",
        later=_held_back,
        lines=(
            "Deployment web is rolling already: 1 of 2 pods updated, 2 available. Wait until that rollout is "
            "complete, or "
            "undo it.",
        ),
        code=2,
    ),
    There(
        name="stopped",
        later=_later(paused=True),
        lines=("while it is paused an update replaces no pod (paused: true). Needed: paused: false.",),
        code=2,
    ),
    There(
        name="surge",
        objects=(_quota(pods="3"),),
        lines=(
            "ResourceQuota theirs leaves pods for 1 more, and the run takes 2 (1 of its pods at once and 1 of the "
            "load). " + _SMALL,
        ),
        code=2,
    ),
    There(
        name="held",
        say="disruption: evict\n",
        objects=(
            _object(
                "policy/v1", "PodDisruptionBudget", {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
            ),
        ),
        lines=(
            "mind: PodDisruptionBudget theirs allows no disruption now: it holds up every eviction. Start more "
            "pods, or ask "
            "for less availability in it.",
        ),
        code=0,
    ),
)
