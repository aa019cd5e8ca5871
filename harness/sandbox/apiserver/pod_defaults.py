"""A pod, or the template of one, as its author wrote it -> with everything filled in that the real API fills in.

Source: kubernetes `pkg/apis/core/v1/defaults.go`. Objects are changed in place.
"""

from __future__ import annotations

from typing import Any

from harness.sandbox.apiserver.filling_in import child, dicts, fill

Object = dict[str, Any]

_NOT_READY = "node.kubernetes.io/not-ready"
_UNREACHABLE = "node.kubernetes.io/unreachable"
_EVICTED_AFTER_S = 300
_DEFAULT_MODE = 0o644


def pod_template(spec: Object) -> None:
    """Fills in the template of a workload."""
    template = child(spec, "template")
    child(template, "metadata")
    _pod_spec(child(template, "spec"))


def pod(obj: Object) -> None:
    """Fills in a pod."""
    spec = obj["spec"]
    _pod_spec(spec)
    fill(spec, enableServiceLinks=True)
    tolerations = spec.setdefault("tolerations", [])
    for key in (_NOT_READY, _UNREACHABLE):
        if not any(item.get("key") in (key, None, "") and _lasting(item) for item in dicts(tolerations)):
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _EVICTED_AFTER_S}
            )
    for container in dicts(spec.get("containers")) + dicts(spec.get("initContainers")):
        resources = container.get("resources")
        if isinstance(resources, dict) and isinstance(limits := resources.get("limits"), dict):
            resources["requests"] = {**limits, **(resources.get("requests") or {})}
    status = child(obj, "status")
    fill(status, phase="Pending", qosClass=_qos_class(spec))
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
    containers = dicts(spec.get("containers")) + dicts(spec.get("initContainers"))
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
    fill(spec, restartPolicy="Always", dnsPolicy="ClusterFirst", schedulerName="default-scheduler")
    fill(spec, terminationGracePeriodSeconds=30, securityContext={})
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        fill(spec, serviceAccountName=account, serviceAccount=account)
    for name in ("initContainers", "containers"):
        for container in dicts(spec.get(name)):
            _container(container)
            if spec.get("hostNetwork"):
                for port in dicts(container.get("ports")):
                    fill(port, hostPort=port.get("containerPort"))
    for volume in dicts(spec.get("volumes")):
        _volume(volume)


def _container(container: Object) -> None:
    image = container.get("image")
    tag = image.rpartition("/")[2].partition(":")[2] if isinstance(image, str) else ""
    moving = "@" not in (image or "") and tag in ("", "latest")
    fill(container, imagePullPolicy="Always" if moving else "IfNotPresent", resources={})
    fill(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
    for port in dicts(container.get("ports")):
        fill(port, protocol="TCP")
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        if isinstance(probe := container.get(name), dict):
            fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            _handler(probe)
    for hook in (container.get("lifecycle") or {}).values() if isinstance(container.get("lifecycle"), dict) else ():
        if isinstance(hook, dict):
            _handler(hook)
    for variable in dicts(container.get("env")):
        source = variable.get("valueFrom")
        if isinstance(source, dict) and isinstance(field := source.get("fieldRef"), dict):
            fill(field, apiVersion="v1")


def _handler(handler: Object) -> None:
    if isinstance(get := handler.get("httpGet"), dict):
        fill(get, path="/", scheme="HTTP")
    if isinstance(call := handler.get("grpc"), dict):
        fill(call, service="")


def _volume(volume: Object) -> None:
    for source in ("configMap", "secret", "downwardAPI", "projected"):
        if isinstance(body := volume.get(source), dict):
            fill(body, defaultMode=_DEFAULT_MODE)
            for part in (body, *_projected(body)):
                for item in dicts(part.get("items")):
                    if isinstance(field := item.get("fieldRef"), dict):
                        fill(field, apiVersion="v1")
    if set(volume) <= {"name"}:
        volume["emptyDir"] = {}


def _projected(body: Object) -> list[Object]:
    """The sources of a projected volume that have items; a token among them lasts an hour."""
    sources = dicts(body.get("sources"))
    for source in sources:
        if isinstance(token := source.get("serviceAccountToken"), dict):
            fill(token, expirationSeconds=3600)
    return [source["downwardAPI"] for source in sources if isinstance(source.get("downwardAPI"), dict)]
