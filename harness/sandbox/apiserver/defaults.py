"""An object as its author wrote it -> the object with everything filled in that the real API fills in.

Source: kubernetes `pkg/apis/{core,apps,batch}/v1/defaults.go`, and what a 1.36 cluster stores. Objects are changed in
place. Kinds without a function here are stored as they came.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.decoding import schemas, type_of
from harness.sandbox.apiserver.rbacvalidation import fill_in

if TYPE_CHECKING:
    from collections.abc import Callable

Object = dict[str, Any]

_NOT_READY = "node.kubernetes.io/not-ready"
_UNREACHABLE = "node.kubernetes.io/unreachable"
_EVICTED_AFTER_S = 300
_DEFAULT_MODE = 0o644


def apply_defaults(obj: Object) -> None:
    """Fills `obj` in, by its kind; anything that has the wrong shape is left to validation."""
    kind = obj.get("kind", "")
    if kind in _WITHOUT_SPEC:
        _WITHOUT_SPEC[kind](obj)
    elif _has_spec(obj) and isinstance(obj.setdefault("spec", {}), dict) and kind in _BY_KIND:
        _BY_KIND[kind](obj)
    if isinstance(status := obj.get("status"), dict):
        for condition in _dicts(status.get("conditions")):
            _set(condition, type="", status="")


def _has_spec(obj: Object) -> bool:
    """Whether the kind's spec is written even where nothing is in it: it is a struct, which Go's omitempty keeps."""
    published = type_of(obj.get("apiVersion"), obj["kind"])
    return published is not None and "spec" in schemas()["types"][published]


def _set(target: Object, **values: Any) -> None:
    for key, value in values.items():
        if target.get(key) is None:
            target[key] = value


def _dicts(items: Any) -> list[Object]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _child(target: Object, key: str) -> Object:
    child = target.get(key)
    if child is None:
        child = target[key] = {}
    return child if isinstance(child, dict) else {}


def _deployment(obj: Object) -> None:
    spec = obj["spec"]
    _set(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = _child(spec, "strategy")
    _set(strategy, type="RollingUpdate")
    if strategy.get("type") == "RollingUpdate":
        _set(_child(strategy, "rollingUpdate"), maxSurge="25%", maxUnavailable="25%")
    _template(spec)


def _replica_set(obj: Object) -> None:
    spec = obj["spec"]
    _set(spec, replicas=1)
    _template(spec)
    labels = (spec.get("template") or {}).get("metadata", {}).get("labels")
    if labels:
        _set(obj["metadata"], labels=dict(labels))
        _set(spec, selector={"matchLabels": dict(labels)})
    _set(_child(obj, "status"), replicas=0)


def _stateful_set(obj: Object) -> None:
    spec = obj["spec"]
    _set(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady", serviceName="")
    if not spec["serviceName"]:
        del spec["serviceName"]
    strategy = _child(spec, "updateStrategy")
    _set(strategy, type="RollingUpdate")
    if strategy.get("type") == "RollingUpdate":
        _set(_child(strategy, "rollingUpdate"), partition=0)
    _set(_child(spec, "persistentVolumeClaimRetentionPolicy"), whenDeleted="Retain", whenScaled="Retain")
    _template(spec)
    _set(_child(obj, "status"), replicas=0, availableReplicas=0)


def _daemon_set(obj: Object) -> None:
    spec = obj["spec"]
    _set(spec, revisionHistoryLimit=10)
    strategy = _child(spec, "updateStrategy")
    _set(strategy, type="RollingUpdate")
    if strategy.get("type") == "RollingUpdate":
        _set(_child(strategy, "rollingUpdate"), maxUnavailable=1, maxSurge=0)
    _template(spec)
    counts = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
    _set(_child(obj, "status"), **dict.fromkeys(counts, 0))


def _job(obj: Object) -> None:
    spec = obj["spec"]
    if spec.get("completions") is None and spec.get("parallelism") is None:
        _set(spec, completions=1, parallelism=1)
    policy = spec.get("podFailurePolicy")
    replaced = "TerminatingOrFailed" if policy is None else "Failed"
    _set(spec, parallelism=1, completionMode="NonIndexed", suspend=False, podReplacementPolicy=replaced)
    for rule in _dicts(policy.get("rules")) if isinstance(policy, dict) else ():
        for pattern in _dicts(rule.get("onPodConditions")):
            _set(pattern, status="True")
    _set(spec, backoffLimit=2**31 - 1 if spec.get("backoffLimitPerIndex") is not None else 6)
    _template(spec)
    uid, name = obj["metadata"].get("uid"), obj["metadata"].get("name")
    owned = {"batch.kubernetes.io/controller-uid": uid}
    chosen = (spec.get("selector") or {}).get("matchLabels") or {}
    if uid and not spec.get("manualSelector") and not owned.keys() <= chosen.keys():
        spec["selector"] = {**(spec.get("selector") or {}), "matchLabels": {**chosen, **owned}}
        if isinstance(template := spec.get("template"), dict):
            labels = _child(_child(template, "metadata"), "labels")
            labels.update(owned | {"batch.kubernetes.io/job-name": name, "controller-uid": uid, "job-name": name})


def _cron_job(obj: Object) -> None:
    spec = obj["spec"]
    _set(spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    _template(_child(_child(spec, "jobTemplate"), "spec"))


def _template(spec: Object) -> None:
    template = _child(spec, "template")
    _child(template, "metadata")
    _pod_spec(_child(template, "spec"))


def _pod(obj: Object) -> None:
    spec = obj["spec"]
    _pod_spec(spec)
    _set(spec, enableServiceLinks=True)
    tolerations = spec.setdefault("tolerations", [])
    for key in (_NOT_READY, _UNREACHABLE):
        if not any(item.get("key") in (key, None, "") and _lasting(item) for item in _dicts(tolerations)):
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _EVICTED_AFTER_S}
            )
    for container in _dicts(spec.get("containers")) + _dicts(spec.get("initContainers")):
        resources = container.get("resources")
        if isinstance(resources, dict) and isinstance(limits := resources.get("limits"), dict):
            resources["requests"] = {**limits, **(resources.get("requests") or {})}
    status = _child(obj, "status")
    _set(status, phase="Pending", qosClass=_qos_class(spec))
    if spec.get("schedulingGates") and not status.get("conditions"):
        status["conditions"] = [dict(_GATED)]


_GATED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
    "lastProbeTime": None,
    "lastTransitionTime": None,
}


def _lasting(toleration: Object) -> bool:
    return toleration.get("effect") in ("NoExecute", None, "")


def _qos_class(spec: Object) -> str:
    """BestEffort, Burstable or Guaranteed, from the requests and limits of cpu and memory."""
    containers = _dicts(spec.get("containers")) + _dicts(spec.get("initContainers"))
    wanted: list[Object] = [item.get("resources") or {} for item in containers]
    named = [
        {key: value for key, value in (resources.get(part) or {}).items() if key in ("cpu", "memory")}
        for resources in wanted
        for part in ("requests", "limits")
    ]
    if not any(named):
        return "BestEffort"
    pairs = zip(named[::2], named[1::2], strict=True)
    return "Guaranteed" if all(len(limits) == 2 and requests == limits for requests, limits in pairs) else "Burstable"


def _pod_spec(spec: Object) -> None:
    _set(spec, restartPolicy="Always", dnsPolicy="ClusterFirst", schedulerName="default-scheduler")
    _set(spec, terminationGracePeriodSeconds=30, securityContext={})
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        _set(spec, serviceAccountName=account, serviceAccount=account)
    for name in ("initContainers", "containers"):
        for container in _dicts(spec.get(name)):
            _container(container)
            if spec.get("hostNetwork"):
                for port in _dicts(container.get("ports")):
                    _set(port, hostPort=port.get("containerPort"))
    for volume in _dicts(spec.get("volumes")):
        _volume(volume)


def _container(container: Object) -> None:
    image = container.get("image")
    tag = image.rpartition("/")[2].partition(":")[2] if isinstance(image, str) else ""
    moving = "@" not in (image or "") and tag in ("", "latest")
    _set(container, imagePullPolicy="Always" if moving else "IfNotPresent", resources={})
    _set(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
    for port in _dicts(container.get("ports")):
        _set(port, protocol="TCP")
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        if isinstance(probe := container.get(name), dict):
            _set(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            _handler(probe)
    for hook in (container.get("lifecycle") or {}).values() if isinstance(container.get("lifecycle"), dict) else ():
        if isinstance(hook, dict):
            _handler(hook)
    for variable in _dicts(container.get("env")):
        source = variable.get("valueFrom")
        if isinstance(source, dict) and isinstance(field := source.get("fieldRef"), dict):
            _set(field, apiVersion="v1")


def _handler(handler: Object) -> None:
    if isinstance(get := handler.get("httpGet"), dict):
        _set(get, path="/", scheme="HTTP")
    if isinstance(call := handler.get("grpc"), dict):
        _set(call, service="")


def _volume(volume: Object) -> None:
    for source in ("configMap", "secret", "downwardAPI", "projected"):
        if isinstance(body := volume.get(source), dict):
            _set(body, defaultMode=_DEFAULT_MODE)
            for part in (body, *_projected(body)):
                for item in _dicts(part.get("items")):
                    if isinstance(field := item.get("fieldRef"), dict):
                        _set(field, apiVersion="v1")
    if set(volume) <= {"name"}:
        volume["emptyDir"] = {}


def _projected(body: Object) -> list[Object]:
    """The sources of a projected volume that have items; a token among them lasts an hour."""
    sources = _dicts(body.get("sources"))
    for source in sources:
        if isinstance(token := source.get("serviceAccountToken"), dict):
            _set(token, expirationSeconds=3600)
    return [source["downwardAPI"] for source in sources if isinstance(source.get("downwardAPI"), dict)]


def _service(obj: Object) -> None:
    spec = obj["spec"]
    _set(spec, type="ClusterIP", sessionAffinity="None")
    for port in _dicts(spec.get("ports")):
        _set(port, protocol="TCP")
        _set(port, targetPort=port.get("port", 0))
    if spec["type"] != "ExternalName":
        _set(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _set(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        _set(spec, allocateLoadBalancerNodePorts=True)
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    if spec["sessionAffinity"] == "ClientIP":
        _set(_child(_child(spec, "sessionAffinityConfig"), "clientIP"), timeoutSeconds=10800)
    _set(_child(obj, "status"), loadBalancer={})


def _endpoint_slice(obj: Object) -> None:
    """Lists that are empty are sent as null, not left out."""
    for key in ("endpoints", "ports"):
        obj.setdefault(key, None)


def _endpoints(obj: Object) -> None:
    for subset in _dicts(obj.get("subsets")):
        for port in _dicts(subset.get("ports")):
            _set(port, protocol="TCP")


def _priority_class(obj: Object) -> None:
    _set(obj, value=0, preemptionPolicy="PreemptLowerPriority")


def _event(obj: Object) -> None:
    obj.setdefault("eventTime", None)


def _secret(obj: Object) -> None:
    _set(obj, type="Opaque")
    plain = obj.pop("stringData", None)
    if isinstance(plain, dict):
        data = _child(obj, "data")
        data.update({key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()})


def _network_policy(obj: Object) -> None:
    spec = obj["spec"]
    _set(spec, policyTypes=["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    for rule in _dicts(spec.get("ingress")) + _dicts(spec.get("egress")):
        for port in _dicts(rule.get("ports")):
            _set(port, protocol="TCP")


def _ingress_class(obj: Object) -> None:
    if isinstance(parameters := obj["spec"].get("parameters"), dict):
        _set(parameters, scope="Cluster")


def _claim(obj: Object) -> None:
    _set(obj["spec"], volumeMode="Filesystem")
    _set(_child(obj, "status"), phase="Pending")


def _namespace(obj: Object) -> None:
    if not obj["metadata"].get("deletionTimestamp"):  # one that ends has given it up
        _set(obj["spec"], finalizers=["kubernetes"])
    _set(_child(obj, "status"), phase="Active")
    _child(obj["metadata"], "labels")["kubernetes.io/metadata.name"] = obj["metadata"].get("name")


_BY_KIND: dict[str, Callable[[Object], None]] = {
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
    "Pod": _pod,
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
