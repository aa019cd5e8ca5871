"""A container of a pod -> what is wrong with it.

Source: kubernetes `pkg/apis/core/validation/validation.go` (validateContainerCommon and below).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.quantities import exact
from harness.sandbox.apiserver.servicevalidation import PROTOCOLS
from harness.sandbox.apiserver.volumevalidation import check_mounts

if TYPE_CHECKING:
    from harness.sandbox.apiserver.field_errors import FieldErrors
    from harness.sandbox.apiserver.store import Object

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_PROBE_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
# Where a variable's value can come from -> the fields that the source needs.
_SOURCES = {
    "fieldRef": ("fieldPath",),
    "resourceFieldRef": ("resource",),
    "configMapKeyRef": ("name", "key"),
    "secretKeyRef": ("name", "key"),
    "fileKeyRef": ("volumeName", "path", "key"),
}
_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
_OTHER_FIELDS = ("metadata.annotations", "metadata.labels", "spec.restartPolicy", "spec.schedulerName", "status.phase")
_STANDARD_RESOURCES = ("cpu", "memory", "ephemeral-storage")
_LARGEST_ID = 2**31 - 1


def check_container(
    errors: FieldErrors, container: Object, at: str, volumes: set[str], pod: Object, *, init: bool
) -> None:
    """Everything below `at`; `volumes`: the names of those it can mount."""
    if not container.get("name"):
        errors.required(f"{at}.name")
    else:
        errors.label(f"{at}.name", container["name"])
    if not container.get("image"):
        errors.required(f"{at}.image")
    errors.one_of(f"{at}.imagePullPolicy", container["imagePullPolicy"], _PULL_POLICIES)
    errors.one_of(f"{at}.terminationMessagePolicy", container["terminationMessagePolicy"], _MESSAGE_POLICIES)
    _ports(errors, container.get("ports") or [], f"{at}.ports", shared=bool(pod.get("hostNetwork")) and not init)
    _environment(errors, container, at)
    check_mounts(errors, container, f"{at}.volumeMounts", volumes)
    _resources(errors, container.get("resources") or {}, f"{at}.resources")
    _security(errors, container.get("securityContext") or {}, f"{at}.securityContext")
    grace_s = pod.get("terminationGracePeriodSeconds")
    sidecar = not init or container.get("restartPolicy") == "Always"
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if (probe := container.get(name)) is not None:
            if not sidecar:
                errors.forbidden(f"{at}.{name}", "may not be set for init containers without restartPolicy=Always")
            _probe(errors, probe, f"{at}.{name}", once=name != "readinessProbe")
    if container.get("lifecycle") is not None and not sidecar:
        errors.forbidden(f"{at}.lifecycle", "may not be set for init containers without restartPolicy=Always")
    for name in ("postStart", "preStop"):
        if (hook := (container.get("lifecycle") or {}).get(name)) is not None:
            _handler(errors, hook, f"{at}.lifecycle.{name}", grace_s)


def _ports(errors: FieldErrors, ports: list[Object], at: str, *, shared: bool) -> None:
    """`shared`: the pod has the network of its node, where a port is the node's too."""
    names: set[str] = set()
    for n, port in enumerate(ports):
        if name := port.get("name"):
            errors.port_or_name(f"{at}[{n}].name", name)
            if name in names:
                errors.duplicate(f"{at}[{n}].name", name)
            names.add(name)
        number, outside = port.get("containerPort", 0), port.get("hostPort", 0)
        if not number:
            errors.required(f"{at}[{n}].containerPort")
        else:
            errors.port(f"{at}[{n}].containerPort", number)
        if outside:
            errors.port(f"{at}[{n}].hostPort", outside)
        if shared and outside != number:
            errors.invalid(f"{at}[{n}].hostPort", outside, "must match `containerPort` when `hostNetwork` is true")
        errors.one_of(f"{at}[{n}].protocol", port["protocol"], PROTOCOLS)


def _environment(errors: FieldErrors, container: Object, at: str) -> None:
    for n, variable in enumerate(container.get("env") or ()):
        where = f"{at}.env[{n}]"
        if not variable.get("name"):
            errors.required(f"{where}.name")
        else:
            errors.env_name(f"{where}.name", variable["name"])
        if (source := variable.get("valueFrom")) is not None:
            _value_from(errors, source, f"{where}.valueFrom", valued=bool(variable.get("value")))
    for n, source in enumerate(container.get("envFrom") or ()):
        where = f"{at}.envFrom[{n}]"
        given = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
        if source.get("prefix"):
            errors.env_name(f"{where}.prefix", source["prefix"])
        if not given:
            errors.invalid(where, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(given) > 1:
            errors.invalid(where, "", "may not have more than one field specified at a time")
        for kind in given:
            if not source[kind].get("name"):
                errors.required(f"{where}.{kind}.name")


def _value_from(errors: FieldErrors, source: Object, at: str, *, valued: bool) -> None:
    given = [kind for kind in _SOURCES if source.get(kind) is not None]
    for kind in given:
        for field in _SOURCES[kind]:
            if not source[kind].get(field):
                errors.required(f"{at}.{kind}.{field}")
        path = source[kind].get("fieldPath", "")
        if kind == "fieldRef" and path:
            _field_path(errors, path, f"{at}.fieldRef.fieldPath")
    if not given:
        errors.invalid(
            at, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        )
    elif valued:
        errors.invalid(at, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        errors.invalid(at, "", "may not have more than one field specified at a time")


def _field_path(errors: FieldErrors, path: str, at: str) -> None:
    of_map, bracket, _ = path.partition("[")
    if bracket and of_map in ("metadata.annotations", "metadata.labels") and path.endswith("']"):
        return
    if path in _OTHER_FIELDS:
        errors.unsupported(at, path, _FIELDS)
    elif path not in _FIELDS:
        errors.invalid(at, path, f"error converting fieldPath: field label not supported: {path}")


def _resources(errors: FieldErrors, resources: Object, at: str) -> None:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for part, values in (("limits", limits), ("requests", requests)):
        for key, value in values.items():
            _resource(errors, f"{at}.{part}[{key}]", key, value)
    for key, value in requests.items():
        if key not in limits:
            continue
        if "/" in key and exact(value) != exact(limits[key]):
            errors.invalid(f"{at}.requests", value, f"must be equal to {key} limit of {limits[key]}")
        elif exact(value) > exact(limits[key]):
            errors.invalid(f"{at}.requests", value, f"must be less than or equal to {key} limit of {limits[key]}")


def _resource(errors: FieldErrors, at: str, name: str, value: str) -> None:
    errors.qualified(at, name)
    if "/" not in name and name not in _STANDARD_RESOURCES and not name.startswith("hugepages-"):
        errors.invalid(at, name, "must be a standard resource for containers")
    if exact(value) < 0:
        errors.invalid(at, value, "must be greater than or equal to 0")
    elif "/" in name and exact(value) % 1:
        errors.invalid(at, value, "must be an integer")


def _security(errors: FieldErrors, context: Object, at: str) -> None:
    for field in ("runAsUser", "runAsGroup"):
        errors.within(f"{at}.{field}", context.get(field), 0, _LARGEST_ID)
    if context.get("allowPrivilegeEscalation") is False:
        added = (context.get("capabilities") or {}).get("add") or []
        if context.get("privileged"):
            errors.invalid(at, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
        if "CAP_SYS_ADMIN" in added:
            why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            errors.invalid(at, context, why)


def _probe(errors: FieldErrors, probe: Object, at: str, *, once: bool) -> None:
    _handler(errors, probe, at, None)
    for name in _PROBE_NUMBERS:
        errors.not_negative(f"{at}.{name}", probe.get(name))
    grace_s = probe.get("terminationGracePeriodSeconds")
    if grace_s is not None and not once:
        errors.invalid(f"{at}.terminationGracePeriodSeconds", grace_s, "must not be set for readinessProbes")
    elif grace_s is not None and grace_s < 1:
        errors.invalid(f"{at}.terminationGracePeriodSeconds", grace_s, "must be greater than 0")
    if once and probe.get("successThreshold", 1) != 1:
        errors.invalid(f"{at}.successThreshold", probe["successThreshold"], "must be 1")


def _handler(errors: FieldErrors, handler: Object, at: str, grace_s: int | None) -> None:
    given: list[Any] = [name for name in _HANDLERS if handler.get(name) is not None]
    if not given:
        errors.required(at, "must specify a handler type")
    for name in given[1:]:
        errors.forbidden(f"{at}.{name}", "may not specify more than 1 handler type")
    for name in ("httpGet", "tcpSocket"):
        if (call := handler.get(name)) is not None:
            _call(errors, call, f"{at}.{name}", http=name == "httpGet")
    if (call := handler.get("grpc")) is not None:
        errors.port(f"{at}.grpc.port", call.get("port", 0))
    if (call := handler.get("exec")) is not None and not call.get("command"):
        errors.required(f"{at}.exec.command")
    pause_s = None if handler.get("sleep") is None else handler["sleep"].get("seconds", 0)
    if grace_s is not None and pause_s is not None and not 0 <= pause_s <= grace_s:
        why = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_s})"
        errors.invalid(f"{at}.sleep", pause_s, why)


def _call(errors: FieldErrors, call: Object, at: str, *, http: bool) -> None:
    errors.port_or_name(f"{at}.port", call.get("port", 0))
    if not http:
        return
    if not call.get("path"):
        errors.required(f"{at}.path")
    errors.one_of(f"{at}.scheme", call.get("scheme", ""), ("HTTP", "HTTPS"))
    for n, header in enumerate(call.get("httpHeaders") or ()):
        errors.header(f"{at}.httpHeaders[{n}].name", header.get("name", ""))
