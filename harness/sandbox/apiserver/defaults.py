"""An object as its author wrote it -> the object with everything filled in that the real API fills in.

Source: kubernetes `pkg/apis/{core,apps,batch}/v1/defaults.go`, and what a 1.36 cluster stores. Objects are changed in
place. Kinds without a function here are stored as they came.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.decoding import schemas, type_of
from harness.sandbox.apiserver.filling_in import child, dicts, fill
from harness.sandbox.apiserver.pod_defaults import pod, pod_template
from harness.sandbox.apiserver.rbacvalidation import fill_in

if TYPE_CHECKING:
    from collections.abc import Callable

Object = dict[str, Any]


def apply_defaults(obj: Object) -> None:
    """Fills `obj` in, by its kind; anything that has the wrong shape is left to validation."""
    kind = obj.get("kind", "")
    if kind in _WITHOUT_SPEC:
        _WITHOUT_SPEC[kind](obj)
    elif _has_spec(obj) and isinstance(obj.setdefault("spec", {}), dict) and kind in _BY_KIND:
        _BY_KIND[kind](obj)
    if isinstance(status := obj.get("status"), dict):
        for condition in dicts(status.get("conditions")):
            fill(condition, type="", status="")


def _has_spec(obj: Object) -> bool:
    """Whether the kind's spec is written even where nothing is in it: it is a struct, which Go's omitempty keeps."""
    published = type_of(obj.get("apiVersion"), obj["kind"])
    return published is not None and "spec" in schemas()["types"][published]


def _deployment(obj: Object) -> None:
    spec = obj["spec"]
    fill(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = child(spec, "strategy")
    fill(strategy, type="RollingUpdate")
    if strategy.get("type") == "RollingUpdate":
        fill(child(strategy, "rollingUpdate"), maxSurge="25%", maxUnavailable="25%")
    pod_template(spec)


def _replica_set(obj: Object) -> None:
    spec = obj["spec"]
    fill(spec, replicas=1)
    pod_template(spec)
    labels = (spec.get("template") or {}).get("metadata", {}).get("labels")
    if labels:
        fill(obj["metadata"], labels=dict(labels))
        fill(spec, selector={"matchLabels": dict(labels)})
    fill(child(obj, "status"), replicas=0)


def _stateful_set(obj: Object) -> None:
    spec = obj["spec"]
    fill(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady", serviceName="")
    if not spec["serviceName"]:
        del spec["serviceName"]
    strategy = child(spec, "updateStrategy")
    fill(strategy, type="RollingUpdate")
    if strategy.get("type") == "RollingUpdate":
        fill(child(strategy, "rollingUpdate"), partition=0)
    fill(child(spec, "persistentVolumeClaimRetentionPolicy"), whenDeleted="Retain", whenScaled="Retain")
    pod_template(spec)
    fill(child(obj, "status"), replicas=0, availableReplicas=0)


def _daemon_set(obj: Object) -> None:
    spec = obj["spec"]
    fill(spec, revisionHistoryLimit=10)
    strategy = child(spec, "updateStrategy")
    fill(strategy, type="RollingUpdate")
    if strategy.get("type") == "RollingUpdate":
        fill(child(strategy, "rollingUpdate"), maxUnavailable=1, maxSurge=0)
    pod_template(spec)
    counts = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
    fill(child(obj, "status"), **dict.fromkeys(counts, 0))


def _job(obj: Object) -> None:
    spec = obj["spec"]
    if spec.get("completions") is None and spec.get("parallelism") is None:
        fill(spec, completions=1, parallelism=1)
    policy = spec.get("podFailurePolicy")
    replaced = "TerminatingOrFailed" if policy is None else "Failed"
    fill(spec, parallelism=1, completionMode="NonIndexed", suspend=False, podReplacementPolicy=replaced)
    for rule in dicts(policy.get("rules")) if isinstance(policy, dict) else ():
        for pattern in dicts(rule.get("onPodConditions")):
            fill(pattern, status="True")
    fill(spec, backoffLimit=2**31 - 1 if spec.get("backoffLimitPerIndex") is not None else 6)
    pod_template(spec)
    uid, name = obj["metadata"].get("uid"), obj["metadata"].get("name")
    owned = {"batch.kubernetes.io/controller-uid": uid}
    chosen = (spec.get("selector") or {}).get("matchLabels") or {}
    if uid and not spec.get("manualSelector") and not owned.keys() <= chosen.keys():
        spec["selector"] = {**(spec.get("selector") or {}), "matchLabels": {**chosen, **owned}}
        if isinstance(template := spec.get("template"), dict):
            labels = child(child(template, "metadata"), "labels")
            labels.update(owned | {"batch.kubernetes.io/job-name": name, "controller-uid": uid, "job-name": name})


def _cron_job(obj: Object) -> None:
    spec = obj["spec"]
    fill(spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    pod_template(child(child(spec, "jobTemplate"), "spec"))


def _service(obj: Object) -> None:
    spec = obj["spec"]
    fill(spec, type="ClusterIP", sessionAffinity="None")
    for port in dicts(spec.get("ports")):
        fill(port, protocol="TCP")
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port", 0)
    if spec["type"] != "ExternalName":
        fill(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        fill(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        fill(spec, allocateLoadBalancerNodePorts=True)
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    if spec["sessionAffinity"] == "ClientIP":
        fill(child(child(spec, "sessionAffinityConfig"), "clientIP"), timeoutSeconds=10800)
    fill(child(obj, "status"), loadBalancer={})


def _endpoint_slice(obj: Object) -> None:
    """Lists that are empty are sent as null, not left out."""
    for key in ("endpoints", "ports"):
        obj.setdefault(key, None)


def _endpoints(obj: Object) -> None:
    for subset in dicts(obj.get("subsets")):
        for port in dicts(subset.get("ports")):
            fill(port, protocol="TCP")


def _priority_class(obj: Object) -> None:
    fill(obj, value=0, preemptionPolicy="PreemptLowerPriority")


def _event(obj: Object) -> None:
    obj.setdefault("eventTime", None)


def _secret(obj: Object) -> None:
    fill(obj, type="Opaque")
    plain = obj.pop("stringData", None)
    if isinstance(plain, dict):
        data = child(obj, "data")
        data.update({key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()})


def _network_policy(obj: Object) -> None:
    spec = obj["spec"]
    fill(spec, policyTypes=["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    for rule in dicts(spec.get("ingress")) + dicts(spec.get("egress")):
        for port in dicts(rule.get("ports")):
            fill(port, protocol="TCP")


def _ingress_class(obj: Object) -> None:
    if isinstance(parameters := obj["spec"].get("parameters"), dict):
        fill(parameters, scope="Cluster")


def _claim(obj: Object) -> None:
    fill(obj["spec"], volumeMode="Filesystem")
    fill(child(obj, "status"), phase="Pending")


def _namespace(obj: Object) -> None:
    if not obj["metadata"].get("deletionTimestamp"):  # one that ends has given it up
        fill(obj["spec"], finalizers=["kubernetes"])
    fill(child(obj, "status"), phase="Active")
    child(obj["metadata"], "labels")["kubernetes.io/metadata.name"] = obj["metadata"].get("name")


_BY_KIND: dict[str, Callable[[Object], None]] = {
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
    "Pod": pod,
    "Service": _service,
    "Namespace": _namespace,
    "NetworkPolicy": _network_policy,
    "IngressClass": _ingress_class,
    "PersistentVolumeClaim": _claim,
}
_WITHOUT_SPEC: dict[str, Callable[[Object], None]] = {
    "EndpointSlice": _endpoint_slice,
    "Endpoints": _endpoints,
    "PriorityClass": _priority_class,
    "RoleBinding": fill_in,
    "ClusterRoleBinding": fill_in,
    "Event": _event,
    "Secret": _secret,
}
