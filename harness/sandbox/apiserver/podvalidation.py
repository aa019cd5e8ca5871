"""A Pod, or the pod template of a workload -> what is wrong with it.

Source: kubernetes `pkg/apis/core/validation/validation.go` (ValidatePodSpec and below).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.apiserver.field_errors import FieldErrors
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


def check_pod(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A Pod; a change of one may touch little of its spec."""
    check_pod_spec(errors, obj["spec"], "spec")
    if old is not None and _frozen(obj["spec"]) != _frozen(old["spec"]):
        errors.forbidden("spec", _MUTABLE_TEXT)


def check_pod_spec(errors: FieldErrors, spec: Object, at: str, claims: Iterable[str] = ()) -> None:
    """Everything below `at`; `claims`: volumes that a StatefulSet's volumeClaimTemplates will bring."""
    containers = spec.get("containers") or []
    if not containers:
        errors.required(f"{at}.containers")
    volumes = _volumes(errors, spec.get("volumes") or [], f"{at}.volumes") | set(claims)
    names: set[str] = set()
    for part in ("containers", "initContainers"):
        for n, container in enumerate(spec.get(part) or ()):
            where = f"{at}.{part}[{n}]"
            _container(errors, container, where, volumes, init=part == "initContainers")
            if container.get("name") in names:
                errors.duplicate(f"{where}.name", container["name"])
            names.add(container.get("name", ""))
    errors.one_of(f"{at}.restartPolicy", spec["restartPolicy"], _POLICIES)
    errors.one_of(f"{at}.dnsPolicy", spec["dnsPolicy"], _DNS_POLICIES)
    errors.not_negative(f"{at}.terminationGracePeriodSeconds", spec.get("terminationGracePeriodSeconds"))
    if (deadline_s := spec.get("activeDeadlineSeconds")) is not None and deadline_s < 1:
        errors.invalid(f"{at}.activeDeadlineSeconds", deadline_s, "must be between 1 and 2147483647, inclusive")
    for n, gate in enumerate(spec.get("readinessGates") or ()):
        errors.qualified(f"{at}.readinessGates[{n}].conditionType", gate.get("conditionType", ""))
    errors.labels(f"{at}.nodeSelector", spec.get("nodeSelector") or {})
    if spec.get("hostname"):
        errors.label(f"{at}.hostname", spec["hostname"])


def _frozen(spec: Object) -> Object:
    """The spec without what may change."""
    kept = {key: value for key, value in spec.items() if key not in _MUTABLE}
    for part in ("containers", "initContainers"):
        kept[part] = [{**item, "image": ""} for item in spec.get(part) or ()]
    return kept


def _volumes(errors: FieldErrors, volumes: list[Object], at: str) -> set[str]:
    names: set[str] = set()
    for n, volume in enumerate(volumes):
        name = volume.get("name", "")
        if not name:
            errors.required(f"{at}[{n}].name")
            continue
        errors.label(f"{at}[{n}].name", name)
        if name in names:
            errors.duplicate(f"{at}[{n}].name", name)
        names.add(name)
        sources = [key for key in volume if key != "name"]
        if len(sources) > 1:
            errors.forbidden(f"{at}[{n}].{sources[1]}", "may not specify more than 1 volume type")
        if "configMap" in volume and not volume["configMap"].get("name"):
            errors.required(f"{at}[{n}].configMap.name")
        if "secret" in volume and not volume["secret"].get("secretName"):
            errors.required(f"{at}[{n}].secret.secretName")
    return names


def _container(errors: FieldErrors, container: Object, at: str, volumes: set[str], *, init: bool) -> None:
    if not container.get("name"):
        errors.required(f"{at}.name")
    else:
        errors.label(f"{at}.name", container["name"])
    image = container.get("image", "")
    if not image:
        errors.required(f"{at}.image")
    elif image != image.strip():
        errors.invalid(f"{at}.image", image, "must not have leading or trailing whitespace")
    errors.one_of(f"{at}.imagePullPolicy", container["imagePullPolicy"], _PULL_POLICIES)
    _ports(errors, container.get("ports") or [], f"{at}.ports")
    _environment(errors, container.get("env") or [], f"{at}.env")
    _mounts(errors, container.get("volumeMounts") or [], f"{at}.volumeMounts", volumes)
    _resources(errors, container.get("resources") or {}, f"{at}.resources")
    sidecar = container.get("restartPolicy") == "Always"
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if (probe := container.get(name)) is None:
            continue
        if init and not sidecar:
            errors.forbidden(f"{at}.{name}", "may not be set for init containers without restartPolicy=Always")
        _probe(errors, probe, f"{at}.{name}", once=name != "readinessProbe")
    for name in ("postStart", "preStop"):
        if (hook := (container.get("lifecycle") or {}).get(name)) is not None:
            _handler(errors, hook, f"{at}.lifecycle.{name}")


def _ports(errors: FieldErrors, ports: list[Object], at: str) -> None:
    names: set[str] = set()
    for n, port in enumerate(ports):
        if port.get("containerPort") is None:
            errors.required(f"{at}[{n}].containerPort")
        else:
            errors.port(f"{at}[{n}].containerPort", port["containerPort"])
        if name := port.get("name"):
            errors.port_or_name(f"{at}[{n}].name", name)
            if name in names:
                errors.duplicate(f"{at}[{n}].name", name)
            names.add(name)
        errors.one_of(f"{at}[{n}].protocol", port["protocol"], _PROTOCOLS)


def _environment(errors: FieldErrors, variables: list[Object], at: str) -> None:
    for n, variable in enumerate(variables):
        if not variable.get("name"):
            errors.required(f"{at}[{n}].name")
        else:
            errors.env_name(f"{at}[{n}].name", variable["name"])
        if variable.get("value") and variable.get("valueFrom"):
            errors.invalid(f"{at}[{n}].valueFrom", "", "may not be specified when `value` is not empty")


def _mounts(errors: FieldErrors, mounts: list[Object], at: str, volumes: set[str]) -> None:
    paths: set[str] = set()
    for n, mount in enumerate(mounts):
        if not mount.get("name"):
            errors.required(f"{at}[{n}].name")
        elif mount["name"] not in volumes:
            errors.not_found(f"{at}[{n}].name", mount["name"])
        path = mount.get("mountPath", "")
        if not path:
            errors.required(f"{at}[{n}].mountPath")
        elif path in paths:
            errors.invalid(f"{at}[{n}].mountPath", path, "must be unique")
        paths.add(path)


def _resources(errors: FieldErrors, resources: Object, at: str) -> None:
    limits = resources.get("limits") or {}
    for part in ("limits", "requests"):
        for key, value in (resources.get(part) or {}).items():
            if not _QUANTITY.fullmatch(value):
                errors.invalid(f"{at}.{part}[{key}]", value, "quantities must match the regular expression")
            elif value.startswith("-"):
                errors.invalid(f"{at}.{part}[{key}]", value, "must be greater than or equal to 0")
    for key, value in (resources.get("requests") or {}).items():
        if key in limits and amount(value) > amount(limits[key]):
            errors.invalid(f"{at}.requests", value, f"must be less than or equal to {key} limit of {limits[key]}")


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


def _probe(errors: FieldErrors, probe: Object, at: str, *, once: bool) -> None:
    _handler(errors, probe, at)
    for name in _PROBE_NUMBERS:
        errors.not_negative(f"{at}.{name}", probe.get(name))
    if once and probe.get("successThreshold", 1) != 1:
        errors.invalid(f"{at}.successThreshold", probe["successThreshold"], "must be 1")


def _handler(errors: FieldErrors, handler: Object, at: str) -> None:
    given: list[Any] = [name for name in _HANDLERS if handler.get(name) is not None]
    if not given:
        errors.required(at, "must specify a handler type")
    for name in given[1:]:
        errors.forbidden(f"{at}.{name}", "may not specify more than 1 handler type")
    for name in ("httpGet", "tcpSocket"):
        if (call := handler.get(name)) is not None:
            if call.get("port") is None:
                errors.required(f"{at}.{name}.port")
            else:
                errors.port_or_name(f"{at}.{name}.port", call["port"])
    if (call := handler.get("exec")) is not None and not call.get("command"):
        errors.required(f"{at}.exec.command")
    if (pause := handler.get("sleep")) is not None:
        errors.not_negative(f"{at}.sleep.seconds", pause.get("seconds"))
