"""A Pod, or the pod template of a workload -> what is wrong with it.

Source: kubernetes `pkg/apis/core/validation/validation.go` (ValidatePodSpec and below, ValidatePodUpdate).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver.containervalidation import check_container
from harness.sandbox.apiserver.schedulingvalidation import check_scheduling
from harness.sandbox.apiserver.volumevalidation import check_volumes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.apiserver.field_errors import FieldErrors
    from harness.sandbox.apiserver.store import Object

_POLICIES = ("Always", "Never", "OnFailure")
_DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
_MOST_NAMESERVERS = 3
_LARGEST_ID = 2**31 - 1
_LONGEST_S = 2**31 - 1
_MUTABLE = ("activeDeadlineSeconds", "tolerations", "schedulingGates")
_MUTABLE_TEXT = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def check_pod(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A Pod; a change of one may touch little of its spec."""
    spec = obj["spec"]
    check_pod_spec(errors, spec, "spec")
    if old is None:
        _images(errors, spec)
        if spec.get("ephemeralContainers"):
            errors.forbidden("spec.ephemeralContainers", "cannot be set on create")
        if spec.get("schedulingGates") and spec.get("nodeName"):
            errors.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")
        return
    before = old["spec"]
    if _frozen(spec) != _frozen(before):
        errors.forbidden("spec", _MUTABLE_TEXT)
    kept = [_timeless(item) for item in spec.get("tolerations") or ()]
    if any(_timeless(item) not in kept for item in before.get("tolerations") or ()):
        errors.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")
    for n, gate in enumerate(spec.get("schedulingGates") or ()):
        if gate not in (before.get("schedulingGates") or ()):
            why = f"only deletion is allowed, but found new scheduling gate '{gate.get('name', '')}'"
            errors.forbidden(f"spec.schedulingGates[{n}]", why)
    was_s, deadline_s = before.get("activeDeadlineSeconds"), spec.get("activeDeadlineSeconds")
    if was_s is not None and deadline_s is None:
        errors.invalid("spec.activeDeadlineSeconds", None, "must not update from a positive integer to nil value")
    elif was_s is not None and deadline_s is not None and deadline_s > was_s:
        errors.invalid("spec.activeDeadlineSeconds", deadline_s, "must be less than or equal to previous value")


def _images(errors: FieldErrors, spec: Object) -> None:
    """What a template may have around an image's name, and its pods may not (validateContainerOnlyForPod)."""
    for part in ("containers", "initContainers"):
        for n, container in enumerate(spec.get(part) or ()):
            if (image := container.get("image", "")) != image.strip():
                why = "must not have leading or trailing whitespace"
                errors.invalid(f"spec.{part}[{n}].image", image, why)


def check_pod_spec(errors: FieldErrors, spec: Object, at: str, claims: Iterable[str] = ()) -> None:
    """Everything below `at`; `claims`: volumes that a StatefulSet's volumeClaimTemplates will bring."""
    volumes = check_volumes(errors, spec.get("volumes") or [], f"{at}.volumes") | set(claims)
    _containers(errors, spec, at, volumes)
    errors.one_of(f"{at}.restartPolicy", spec["restartPolicy"], _POLICIES)
    errors.one_of(f"{at}.dnsPolicy", spec["dnsPolicy"], _DNS_POLICIES)
    _resolving(errors, spec, at)
    errors.within(f"{at}.activeDeadlineSeconds", spec.get("activeDeadlineSeconds"), 1, _LONGEST_S)
    for n, gate in enumerate(spec.get("readinessGates") or ()):
        errors.qualified(f"{at}.readinessGates[{n}].conditionType", gate.get("conditionType", ""))
    check_scheduling(errors, spec, at)
    for field in ("hostname", "subdomain"):
        if spec.get(field):
            errors.label(f"{at}.{field}", spec[field])
    for field in ("nodeName", "serviceAccountName", "priorityClassName", "runtimeClassName"):
        if spec.get(field):
            errors.subdomain(f"{at}.{field}", spec[field])
    context = spec.get("securityContext") or {}
    for field in ("runAsUser", "runAsGroup", "fsGroup"):
        errors.within(f"{at}.securityContext.{field}", context.get(field), 0, _LARGEST_ID)


def _containers(errors: FieldErrors, spec: Object, at: str, volumes: set[str]) -> None:
    if not spec.get("containers"):
        errors.required(f"{at}.containers")
    names: set[str] = set()
    host_ports: set[tuple[str, str, int]] = set()
    for part in ("containers", "initContainers"):
        for n, container in enumerate(spec.get(part) or ()):
            where = f"{at}.{part}[{n}]"
            check_container(errors, container, where, volumes, spec, init=part == "initContainers")
            if container.get("name") in names:
                errors.duplicate(f"{where}.name", container["name"])
            names.add(container.get("name", ""))
            if part == "containers":
                _host_ports(errors, container, where, host_ports)
            elif container.get("restartPolicy") is not None:
                errors.one_of(f"{where}.restartPolicy", container["restartPolicy"], ("Always", "Never", "OnFailure"))


def _host_ports(errors: FieldErrors, container: Object, at: str, taken: set[tuple[str, str, int]]) -> None:
    for n, port in enumerate(container.get("ports") or ()):
        if not port.get("hostPort"):
            continue
        key = (port["protocol"], port.get("hostIP", ""), port["hostPort"])
        if key in taken:
            errors.duplicate(f"{at}.ports[{n}].hostPort", f"{key[0]}/{key[1]}/{key[2]}")
        taken.add(key)


def _resolving(errors: FieldErrors, spec: Object, at: str) -> None:
    """How the pod finds others by their names."""
    servers = (spec.get("dnsConfig") or {}).get("nameservers") or []
    if spec["dnsPolicy"] == "None" and not servers:
        why = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        errors.required(f"{at}.dnsConfig.nameservers", why)
    if len(servers) > _MOST_NAMESERVERS:
        why = f"must not have more than {_MOST_NAMESERVERS} nameservers"
        errors.invalid(f"{at}.dnsConfig.nameservers", servers, why)
    for n, server in enumerate(servers):
        errors.ip(f"{at}.dnsConfig.nameservers[{n}]", server)
    for n, alias in enumerate(spec.get("hostAliases") or ()):
        errors.ip(f"{at}.hostAliases[{n}].ip", alias.get("ip", ""))
        for name in alias.get("hostnames") or ():
            errors.subdomain(f"{at}.hostAliases[{n}].hostnames", name)


def _timeless(toleration: Object) -> Object:
    return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}


def _frozen(spec: Object) -> Object:
    """The spec without what may change."""
    kept = {key: value for key, value in spec.items() if key not in _MUTABLE}
    for part in ("containers", "initContainers"):
        kept[part] = [{**item, "image": ""} for item in spec.get(part) or ()]
    return kept
