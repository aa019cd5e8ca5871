"""An object -> the cells of its row in `kubectl get`, one function a kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.clock import seconds
from harness.sandbox.apiserver.events import core
from harness.sandbox.apiserver.scalingprinters import targets
from harness.sandbox.apiserver.selectors import label_text

if TYPE_CHECKING:
    from harness.sandbox.apiserver.store import Object

Row = tuple[Any, ...]
_NONE, _UNKNOWN, _UNSET = "<none>", "<unknown>", "<unset>"
_MOST_ADDRESSES = 3


@dataclass(frozen=True, slots=True)
class Clock:
    """The moment for which ages are told."""

    now_s: float

    def age(self, stamp: str | None) -> str:
        """`1s`, `2m3s`, `5h10m`, `3d4h` ...: how long ago, as kubectl writes it."""
        return human_duration(int(self.now_s - seconds(stamp))) if stamp else _UNKNOWN


def human_duration(span_s: int) -> str:
    """The two most telling units of a duration (apimachinery `pkg/util/duration`, HumanDuration)."""
    if span_s < -1:
        return "<invalid>"
    span_s = max(span_s, 0)
    minutes, hours, days = span_s // 60, span_s // 3600, span_s // 86400
    if span_s < 120:
        return f"{span_s}s"
    if minutes < 10:
        return f"{minutes}m{span_s % 60}s" if span_s % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    years, rest = days // 365, days % 365
    return f"{years}y{rest}d" if years < 8 and rest else f"{years}y"


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: Object, clock: Clock) -> str:
    return clock.age(obj["metadata"].get("creationTimestamp"))


def definition(obj: Object, clock: Clock) -> Row:
    return _name(obj), obj["metadata"].get("creationTimestamp")


def _containers(obj: Object) -> tuple[str, str]:
    containers = obj["spec"].get("template", {}).get("spec", {}).get("containers", ())
    return ",".join(item["name"] for item in containers), ",".join(item.get("image", "") for item in containers)


def plain(obj: Object, clock: Clock) -> Row:
    return _name(obj), _age(obj, clock)


def deployment(obj: Object, clock: Clock) -> Row:
    spec, status = obj["spec"], obj.get("status", {})
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    counts = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    return _name(obj), ready, *counts, _age(obj, clock), *_containers(obj), label_text(spec.get("selector"))


def replica_set(obj: Object, clock: Clock) -> Row:
    spec, status = obj["spec"], obj.get("status", {})
    counts = spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)
    return _name(obj), *counts, _age(obj, clock), *_containers(obj), label_text(spec.get("selector"))


def stateful_set(obj: Object, clock: Clock) -> Row:
    ready = f"{obj.get('status', {}).get('readyReplicas', 0)}/{obj['spec'].get('replicas', 0)}"
    return _name(obj), ready, _age(obj, clock), *_containers(obj)


def daemon_set(obj: Object, clock: Clock) -> Row:
    spec, status = obj["spec"], obj.get("status", {})
    keys = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled")
    counts = [status.get(key, 0) for key in (*keys, "numberAvailable")]
    wanted = spec["template"]["spec"].get("nodeSelector") or {}
    nodes = ",".join(f"{key}={value}" for key, value in sorted(wanted.items())) or _NONE
    return _name(obj), *counts, nodes, _age(obj, clock), *_containers(obj), label_text(spec.get("selector"))


def job(obj: Object, clock: Clock) -> Row:
    spec, status = obj["spec"], obj.get("status", {})
    true = {item["type"] for item in status.get("conditions", ()) if item.get("status") == "True"}
    words = {"Complete": "Complete", "Failed": "Failed", "Suspended": "Suspended", "FailureTarget": "FailureTarget"}
    word = next((text for kind, text in words.items() if kind in true), "Running")
    wanted = spec.get("completions")
    done = f"{status.get('succeeded', 0)}/{wanted}" if wanted is not None else f"{status.get('succeeded', 0)}/1"
    start, end = status.get("startTime"), status.get("completionTime")
    took = "" if not start else human_duration(int((seconds(end) if end else clock.now_s) - seconds(start)))
    return _name(obj), word, done, took, _age(obj, clock), *_containers(obj), label_text(spec.get("selector"))


def cron_job(obj: Object, clock: Clock) -> Row:
    spec, status = obj["spec"], obj.get("status", {})
    last = clock.age(status["lastScheduleTime"]) if status.get("lastScheduleTime") else _NONE
    shown = spec.get("schedule"), spec.get("timeZone", _NONE), str(spec.get("suspend")), len(status.get("active") or ())
    wide = *_containers(spec["jobTemplate"]), label_text(spec["jobTemplate"]["spec"].get("selector"))
    return _name(obj), *shown, last, _age(obj, clock), *wide


def service(obj: Object, clock: Clock) -> Row:
    spec = obj["spec"]
    ports = []
    for port in spec.get("ports", ()):
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        ports.append(f"{port.get('port')}{node}/{port.get('protocol')}")
    selector = ",".join(f"{key}={value}" for key, value in sorted((spec.get("selector") or {}).items()))
    addresses = spec.get("clusterIP") or _NONE, _external(obj)
    return _name(obj), spec["type"], *addresses, ",".join(ports) or _NONE, _age(obj, clock), selector or _NONE


def _external(obj: Object) -> str:
    spec, wished = obj["spec"], obj["spec"].get("externalIPs") or []
    if spec["type"] == "ExternalName":
        return str(spec.get("externalName"))
    if spec["type"] != "LoadBalancer":
        return ",".join(wished) or _NONE
    ingress = obj.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    given = [item.get("ip") or item.get("hostname", "") for item in ingress]
    return ",".join([*given, *wished]) or "<pending>"


def endpoint_slice(obj: Object, clock: Clock) -> Row:
    ports = [str(port.get("port", "*")) for port in obj.get("ports") or ()]
    addresses = [address for item in obj.get("endpoints") or () for address in item.get("addresses", ())]
    return _name(obj), obj.get("addressType"), _few(ports), _few(addresses), _age(obj, clock)


def _few(texts: list[str]) -> str:
    if not texts:
        return _UNSET
    more = f" + {len(texts) - _MOST_ADDRESSES} more..." if len(texts) > _MOST_ADDRESSES else ""
    return ",".join(texts[:_MOST_ADDRESSES]) + more


def config_map(obj: Object, clock: Clock) -> Row:
    return _name(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), _age(obj, clock)


def secret(obj: Object, clock: Clock) -> Row:
    return _name(obj), obj.get("type", "Opaque"), len(obj.get("data") or {}), _age(obj, clock)


def service_account(obj: Object, clock: Clock) -> Row:
    return _name(obj), len(obj.get("secrets") or ()), _age(obj, clock)


def namespace(obj: Object, clock: Clock) -> Row:
    return _name(obj), obj.get("status", {}).get("phase"), _age(obj, clock)


def node(obj: Object, clock: Clock) -> Row:
    status, info = obj.get("status", {}), obj.get("status", {}).get("nodeInfo", {})
    ready = {item["type"]: item["status"] for item in status.get("conditions", ())}.get("Ready")
    word = "Ready" if ready == "True" else "NotReady" if ready else "Unknown"
    if obj.get("spec", {}).get("unschedulable"):
        word += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    roles = [key.removeprefix(prefix) for key in obj["metadata"].get("labels") or {} if key.startswith(prefix)]
    addresses = {item.get("type"): item.get("address", "") for item in status.get("addresses", ())}
    wide = (
        addresses.get("InternalIP", _NONE),
        addresses.get("ExternalIP", _NONE),
        info.get("osImage", _UNKNOWN),
        info.get("kernelVersion", _UNKNOWN),
        info.get("containerRuntimeVersion", _UNKNOWN),
    )
    return _name(obj), word, ",".join(sorted(roles)) or _NONE, _age(obj, clock), info.get("kubeletVersion", ""), *wide


def event(obj: Object, clock: Clock) -> Row:
    obj = core(obj)
    about = obj.get("involvedObject", {})
    first = obj.get("firstTimestamp") or obj.get("eventTime")
    last = (obj.get("series") or {}).get("lastObservedTime") or obj.get("lastTimestamp") or first
    source = obj.get("source") or {}
    origin = source.get("component") or obj.get("reportingComponent", "")
    where = f"{origin}, {source['host']}" if source.get("host") else origin
    target = f"{about.get('kind', '').lower()}/{about.get('name', '')}"
    shown = clock.age(last), obj.get("type"), obj.get("reason"), target, str(obj.get("message", "")).strip()
    return *shown, about.get("fieldPath", ""), where, clock.age(first), obj.get("count") or 1, _name(obj)


def lease(obj: Object, clock: Clock) -> Row:
    return _name(obj), obj.get("spec", {}).get("holderIdentity", ""), _age(obj, clock)


def controller_revision(obj: Object, clock: Clock) -> Row:
    owner = next((item for item in obj["metadata"].get("ownerReferences", ()) if item.get("controller")), None)
    kind = f"{owner['kind'].lower()}.{owner['apiVersion'].partition('/')[0]}/{owner['name']}" if owner else _NONE
    return _name(obj), kind, obj.get("revision", 0), _age(obj, clock)


def budget(obj: Object, clock: Clock) -> Row:
    spec = obj.get("spec", {})
    bounds = spec.get("minAvailable", "N/A"), spec.get("maxUnavailable", "N/A")
    return _name(obj), *map(str, bounds), obj.get("status", {}).get("disruptionsAllowed", 0), _age(obj, clock)


def ingress(obj: Object, clock: Clock) -> Row:
    spec = obj.get("spec", {})
    hosts = [rule["host"] for rule in spec.get("rules", ()) if rule.get("host")]
    given = obj.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    address = ",".join(item.get("ip") or item.get("hostname", "") for item in given)
    ports = "80, 443" if spec.get("tls") else "80"
    return _name(obj), spec.get("ingressClassName", _NONE), ",".join(hosts) or "*", address, ports, _age(obj, clock)


def autoscaler(obj: Object, clock: Clock) -> Row:
    spec = obj.get("spec", {})
    target = spec.get("scaleTargetRef", {})
    bounds = str(spec.get("minReplicas", 1)), str(spec.get("maxReplicas", ""))
    status = obj.get("status", {})
    scaled, replicas = f"{target.get('kind')}/{target.get('name')}", status.get("currentReplicas", 0)
    return _name(obj), scaled, targets(spec, status), *bounds, replicas, _age(obj, clock)


def scale(obj: Object, clock: Clock) -> Row:
    return _name(obj), obj["spec"]["replicas"], obj["status"]["replicas"], _age(obj, clock)


def quota(obj: Object, clock: Clock) -> Row:
    hard, used = obj.get("spec", {}).get("hard", {}), obj.get("status", {}).get("used", {})
    texts = {key: f"{key}: {used.get(key, '0')}/{limit}" for key, limit in sorted(hard.items())}
    limits = ", ".join(text for key, text in texts.items() if key.startswith("limits."))
    return (
        _name(obj),
        ", ".join(text for key, text in texts.items() if not key.startswith("limits.")),
        limits,
        _age(obj, clock),
    )
