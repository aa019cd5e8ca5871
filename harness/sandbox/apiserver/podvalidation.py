"""A Pod, or the pod template of a workload -> what is wrong with it.

Source: kubernetes `pkg/apis/core/validation/validation.go` (ValidatePodSpec and below).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.sandbox.apiserver.field_errors import Findings
    from harness.sandbox.apiserver.store import Object

_POLICIES = ("Always", "Never", "OnFailure")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_PROBE_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_QUANTITY = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")
_MUTABLE = ("activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations", "schedulingGates", "nodeName")
_MUTABLE_TEXT = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def check_pod(findings: Findings, obj: Object, old: Object | None) -> None:
    """A Pod; a change of one may touch little of its spec."""
    check_pod_spec(findings, obj["spec"], "spec")
    if old is not None and _frozen(obj["spec"]) != _frozen(old["spec"]):
        findings.forbidden("spec", _MUTABLE_TEXT)


def check_pod_spec(findings: Findings, spec: Object, at: str) -> None:
    """Everything below `at`."""
    containers = spec.get("containers") or []
    if not containers:
        findings.required(f"{at}.containers")
    volumes = _volumes(findings, spec.get("volumes") or [], f"{at}.volumes")
    names: set[str] = set()
    for part in ("containers", "initContainers"):
        for n, container in enumerate(spec.get(part) or ()):
            where = f"{at}.{part}[{n}]"
            _container(findings, container, where, volumes, init=part == "initContainers")
            if container.get("name") in names:
                findings.duplicate(f"{where}.name", container["name"])
            names.add(container.get("name", ""))
    findings.one_of(f"{at}.restartPolicy", spec["restartPolicy"], _POLICIES)
    findings.one_of(f"{at}.dnsPolicy", spec["dnsPolicy"], _DNS_POLICIES)
    findings.not_negative(f"{at}.terminationGracePeriodSeconds", spec.get("terminationGracePeriodSeconds"))
    if (deadline_s := spec.get("activeDeadlineSeconds")) is not None and deadline_s < 1:
        findings.invalid(f"{at}.activeDeadlineSeconds", deadline_s, "must be between 1 and 2147483647, inclusive")
    for n, gate in enumerate(spec.get("readinessGates") or ()):
        findings.qualified(f"{at}.readinessGates[{n}].conditionType", gate.get("conditionType", ""))
    findings.labels(f"{at}.nodeSelector", spec.get("nodeSelector") or {})
    if spec.get("hostname"):
        findings.label(f"{at}.hostname", spec["hostname"])


def _frozen(spec: Object) -> Object:
    """The spec without what may change."""
    kept = {key: value for key, value in spec.items() if key not in _MUTABLE}
    for part in ("containers", "initContainers"):
        kept[part] = [{**item, "image": ""} for item in spec.get(part) or ()]
    return kept


def _volumes(findings: Findings, volumes: list[Object], at: str) -> set[str]:
    names: set[str] = set()
    for n, volume in enumerate(volumes):
        name = volume.get("name", "")
        if not name:
            findings.required(f"{at}[{n}].name")
            continue
        findings.label(f"{at}[{n}].name", name)
        if name in names:
            findings.duplicate(f"{at}[{n}].name", name)
        names.add(name)
        sources = [key for key in volume if key != "name"]
        if len(sources) > 1:
            findings.forbidden(f"{at}[{n}].{sources[1]}", "may not specify more than 1 volume type")
        if "configMap" in volume and not volume["configMap"].get("name"):
            findings.required(f"{at}[{n}].configMap.name")
        if "secret" in volume and not volume["secret"].get("secretName"):
            findings.required(f"{at}[{n}].secret.secretName")
    return names


def _container(findings: Findings, container: Object, at: str, volumes: set[str], *, init: bool) -> None:
    if not container.get("name"):
        findings.required(f"{at}.name")
    else:
        findings.label(f"{at}.name", container["name"])
    image = container.get("image", "")
    if not image:
        findings.required(f"{at}.image")
    elif image != image.strip():
        findings.invalid(f"{at}.image", image, "must not have leading or trailing whitespace")
    findings.one_of(f"{at}.imagePullPolicy", container["imagePullPolicy"], _PULL_POLICIES)
    _ports(findings, container.get("ports") or [], f"{at}.ports")
    _environment(findings, container.get("env") or [], f"{at}.env")
    _mounts(findings, container.get("volumeMounts") or [], f"{at}.volumeMounts", volumes)
    _resources(findings, container.get("resources") or {}, f"{at}.resources")
    sidecar = container.get("restartPolicy") == "Always"
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if (probe := container.get(name)) is None:
            continue
        if init and not sidecar:
            findings.forbidden(f"{at}.{name}", "may not be set for init containers without restartPolicy=Always")
        _probe(findings, probe, f"{at}.{name}", once=name != "readinessProbe")
    for name in ("postStart", "preStop"):
        if (hook := (container.get("lifecycle") or {}).get(name)) is not None:
            _handler(findings, hook, f"{at}.lifecycle.{name}")


def _ports(findings: Findings, ports: list[Object], at: str) -> None:
    names: set[str] = set()
    for n, port in enumerate(ports):
        if port.get("containerPort") is None:
            findings.required(f"{at}[{n}].containerPort")
        else:
            findings.port(f"{at}[{n}].containerPort", port["containerPort"])
        if name := port.get("name"):
            findings.port_or_name(f"{at}[{n}].name", name)
            if name in names:
                findings.duplicate(f"{at}[{n}].name", name)
            names.add(name)
        findings.one_of(f"{at}[{n}].protocol", port["protocol"], _PROTOCOLS)


def _environment(findings: Findings, variables: list[Object], at: str) -> None:
    for n, variable in enumerate(variables):
        if not variable.get("name"):
            findings.required(f"{at}[{n}].name")
        else:
            findings.env_name(f"{at}[{n}].name", variable["name"])
        if variable.get("value") and variable.get("valueFrom"):
            findings.invalid(f"{at}[{n}].valueFrom", "", "may not be specified when `value` is not empty")


def _mounts(findings: Findings, mounts: list[Object], at: str, volumes: set[str]) -> None:
    paths: set[str] = set()
    for n, mount in enumerate(mounts):
        if not mount.get("name"):
            findings.required(f"{at}[{n}].name")
        elif mount["name"] not in volumes:
            findings.not_found(f"{at}[{n}].name", mount["name"])
        path = mount.get("mountPath", "")
        if not path:
            findings.required(f"{at}[{n}].mountPath")
        elif path in paths:
            findings.invalid(f"{at}[{n}].mountPath", path, "must be unique")
        paths.add(path)


def _resources(findings: Findings, resources: Object, at: str) -> None:
    limits = resources.get("limits") or {}
    for part in ("limits", "requests"):
        for key, value in (resources.get(part) or {}).items():
            if not _QUANTITY.fullmatch(value):
                findings.invalid(f"{at}.{part}[{key}]", value, "quantities must match the regular expression")
            elif value.startswith("-"):
                findings.invalid(f"{at}.{part}[{key}]", value, "must be greater than or equal to 0")
    for key, value in (resources.get("requests") or {}).items():
        if key in limits and amount(value) > amount(limits[key]):
            findings.invalid(f"{at}.requests", value, f"must be less than or equal to {key} limit of {limits[key]}")


def amount(quantity: str) -> float:
    """The number that a quantity such as `500m` or `1Gi` stands for; 0 where it is none."""
    powers: dict[str, float] = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3}
    powers |= {unit: 1000.0 ** (n + 2) for n, unit in enumerate("MGTPE")}
    powers |= {f"{unit}i": 1024.0 ** (n + 1) for n, unit in enumerate("KMGTPE")}
    match = re.fullmatch(r"([+-]?[\d.]+)(.*)", quantity)
    if match is None:
        return 0.0
    number, unit = match.groups()
    try:
        return float(number) * powers[unit] if unit in powers else float(quantity)
    except ValueError:
        return 0.0


def _probe(findings: Findings, probe: Object, at: str, *, once: bool) -> None:
    _handler(findings, probe, at)
    for name in _PROBE_NUMBERS:
        findings.not_negative(f"{at}.{name}", probe.get(name))
    if once and probe.get("successThreshold", 1) != 1:
        findings.invalid(f"{at}.successThreshold", probe["successThreshold"], "must be 1")


def _handler(findings: Findings, handler: Object, at: str) -> None:
    given: list[Any] = [name for name in _HANDLERS if handler.get(name) is not None]
    if not given:
        findings.required(at, "must specify a handler type")
    for name in given[1:]:
        findings.forbidden(f"{at}.{name}", "may not specify more than 1 handler type")
    for name in ("httpGet", "tcpSocket"):
        if (call := handler.get(name)) is not None:
            if call.get("port") is None:
                findings.required(f"{at}.{name}.port")
            else:
                findings.port_or_name(f"{at}.{name}.port", call["port"])
    if (call := handler.get("exec")) is not None and not call.get("command"):
        findings.required(f"{at}.exec.command")
    if (pause := handler.get("sleep")) is not None:
        findings.not_negative(f"{at}.sleep.seconds", pause.get("seconds"))
