"""A new Pod and its namespace's `pod-security.kubernetes.io/enforce` -> admitted, or refused as breaking that level.

Source: kubernetes `staging/src/k8s.io/pod-security-admission/policy`, for Linux pods;
https://kubernetes.io/docs/concepts/security/pod-security-standards/. Controls of SELinux, AppArmor,
sysctls and /proc are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.resources import NAMESPACES, PODS

if TYPE_CHECKING:
    from harness.sandbox.apiserver.store import Object, Store

ENFORCE = "pod-security.kubernetes.io/enforce"
_BASELINE, _RESTRICTED = "baseline", "restricted"
_ADDABLE = frozenset(
    ("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
     "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT")
)  # fmt: skip
_VOLUMES = frozenset(
    ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
)
_PROFILES = ("RuntimeDefault", "Localhost")


def check_pod_security(store: Store, namespace: str, pod: Object) -> None:
    """Raises: StatusError (403)."""
    home = store.get(NAMESPACES, "", namespace)
    labels = (home.obj["metadata"].get("labels") or {}) if home is not None else {}
    level = labels.get(ENFORCE)
    if level not in (_BASELINE, _RESTRICTED):
        return
    checks = _CHECKS[_BASELINE] if level == _BASELINE else (*_CHECKS[_BASELINE], *_CHECKS[_RESTRICTED])
    broken = [words for check in checks for words in check(pod["spec"])]
    if broken:
        version = labels.get(f"{ENFORCE}-version") or "latest"
        why = f'violates PodSecurity "{level}:{version}": {", ".join(broken)}'
        raise api_errors.forbidden(PODS, str(pod["metadata"].get("name", "")), why)


def _containers(spec: Object) -> list[Object]:
    return [each for kind in ("initContainers", "containers") for each in spec.get(kind) or ()]


def _own(container: Object) -> Object:
    return container.get("securityContext") or {}


def _names(found: Iterable[Object]) -> str:
    names = [f'"{each["name"]}"' for each in found]
    return f"container{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _host_namespaces(spec: Object) -> Iterator[str]:
    if found := [f"{key}=true" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]:
        yield f"host namespaces ({', '.join(found)})"


def _privileged(spec: Object) -> Iterator[str]:
    if found := [each for each in _containers(spec) if _own(each).get("privileged")]:
        yield f"privileged ({_names(found)} must not set securityContext.privileged=true)"


def _host_ports(spec: Object) -> Iterator[str]:
    if found := [each for each in _containers(spec) if any(port.get("hostPort") for port in each.get("ports") or ())]:
        ports = sorted({str(port["hostPort"]) for each in found for port in each["ports"] if port.get("hostPort")})
        word = "hostPort" if len(ports) == 1 else "hostPorts"
        yield f"hostPort ({_names(found)} {'uses' if len(found) == 1 else 'use'} {word} {', '.join(ports)})"


def _host_paths(spec: Object) -> Iterator[str]:
    if found := [f'"{each["name"]}"' for each in spec.get("volumes") or () if "hostPath" in each]:
        yield f"hostPath volumes (volume{'s' if len(found) > 1 else ''} {', '.join(found)})"


def _capabilities(spec: Object) -> Iterator[str]:
    found = [
        (each, set((_own(each).get("capabilities") or {}).get("add") or ()) - _ADDABLE) for each in _containers(spec)
    ]
    if named := [each for each, added in found if added]:
        listed = ", ".join(f'"{name}"' for name in sorted(set().union(*(added for _, added in found))))
        words = f"must not include {listed} in securityContext.capabilities.add"
        yield f"non-default capabilities ({_names(named)} {words})"


def _escalation(spec: Object) -> Iterator[str]:
    if found := [each for each in _containers(spec) if _own(each).get("allowPrivilegeEscalation") is not False]:
        words = "must set securityContext.allowPrivilegeEscalation=false"
        yield f"allowPrivilegeEscalation != false ({_names(found)} {words})"


def _undropped(spec: Object) -> Iterator[str]:
    found = [
        each for each in _containers(spec) if "ALL" not in ((_own(each).get("capabilities") or {}).get("drop") or ())
    ]
    if found:
        yield f'unrestricted capabilities ({_names(found)} must set securityContext.capabilities.drop=["ALL"])'


def _volumes(spec: Object) -> Iterator[str]:
    for volume in spec.get("volumes") or ():
        kinds = sorted(set(volume) - {"name"} - _VOLUMES)
        if kinds:
            yield f'restricted volume types (volume "{volume["name"]}" uses restricted volume type "{kinds[0]}")'


def _as_root(spec: Object) -> Iterator[str]:
    pods = (spec.get("securityContext") or {}).get("runAsNonRoot")
    found = [
        each
        for each in _containers(spec)
        if (own := _own(each).get("runAsNonRoot")) is False or (own is None and pods is not True)
    ]
    if found:
        yield f"runAsNonRoot != true (pod or {_names(found)} must set securityContext.runAsNonRoot=true)"


def _user_0(spec: Object) -> Iterator[str]:
    if (spec.get("securityContext") or {}).get("runAsUser") == 0:
        yield "runAsUser=0 (pod must not set runAsUser=0)"
    elif found := [each for each in _containers(spec) if _own(each).get("runAsUser") == 0]:
        yield f"runAsUser=0 ({_names(found)} must not set runAsUser=0)"


def _seccomp(spec: Object) -> Iterator[str]:
    of_pod = ((spec.get("securityContext") or {}).get("seccompProfile") or {}).get("type")
    found = [
        each
        for each in _containers(spec)
        if ((_own(each).get("seccompProfile") or {}).get("type") or of_pod) not in _PROFILES
    ]
    if found:
        words = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
        yield f"seccompProfile (pod or {_names(found)} {words})"


_CHECKS: dict[str, tuple[Callable[[Object], Iterator[str]], ...]] = {
    _BASELINE: (_host_namespaces, _privileged, _host_ports, _host_paths, _capabilities),
    _RESTRICTED: (_escalation, _undropped, _volumes, _as_root, _user_0, _seccomp),
}
