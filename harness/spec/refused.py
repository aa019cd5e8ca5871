"""A manifest of the right shape -> the first thing for which an API server refuses it all the same, in its words.

For what an experiment would else be refused for only once a cluster is there: updates that cannot go on, probes and
hooks of two kinds, names that are too long. Upstream: pkg/apis/apps/validation, pkg/apis/core/validation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.inputs.shown import cut, near, shown
from harness.spec.refused_names import refused_names
from harness.spec.workload import WORKLOAD_KINDS, Object, is_custom, pod_spec, spec_of

SUBDOMAIN_MOST, LABEL_MOST = 253, 63
"""How many bytes a name may have: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/."""

_CLOSED = frozenset(("v1", "apps/v1"))
_KINDS = (
    "Binding", "ComponentStatus", "ConfigMap", "Endpoints", "Event", "LimitRange", "Namespace", "Node",
    "PersistentVolume", "PersistentVolumeClaim", "Pod", "PodTemplate", "ReplicationController", "ResourceQuota",
    "Secret", "Service", "ServiceAccount", "ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet",
)  # fmt: skip
"""What there is in the groups to which nobody adds a kind: https://kubernetes.io/docs/reference/kubernetes-api/."""
_LABELS = frozenset(("Service", "Namespace"))
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")


def refusal(manifest: Object) -> str:
    """Where and why an API server would refuse it; empty where nothing that is known here is wrong.

    >>> refusal({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"strategy": {
    ...     "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}}})
    "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: '0%': may not be 0 when `maxSurge` is 0"
    """
    return next(_refusals(manifest), "")


def _refusals(manifest: Object) -> Iterator[str]:
    kind, version = str(manifest.get("kind")), str(manifest.get("apiVersion"))
    if version in _CLOSED and kind not in _KINDS and (meant := near(kind, _KINDS)):
        yield f"there is no kind {shown(kind)} in {version}{meant}"
    if is_custom(manifest):
        return
    yield from _names(manifest)
    yield from refused_names(manifest)
    if manifest.get("kind") == "Deployment":
        yield from _strategy(spec_of(manifest).get("strategy") or {})
    if manifest.get("kind") in WORKLOAD_KINDS:
        for kind in ("initContainers", "containers"):
            for number, container in enumerate(pod_spec(manifest).get(kind) or ()):
                yield from _container(container, f"spec.template.spec.{kind}[{number}]")


def _names(manifest: Object) -> Iterator[str]:
    metadata = manifest.get("metadata") or {}
    most = LABEL_MOST if manifest.get("kind") in _LABELS else SUBDOMAIN_MOST
    yield from _too_long("metadata.name", metadata.get("name"), most)
    yield from _too_long("metadata.namespace", metadata.get("namespace"), LABEL_MOST)


def _too_long(path: str, name: Any, most: int) -> Iterator[str]:
    if isinstance(name, str) and len(name.encode()) > most:
        yield f"{path}: Invalid value: {cut(shown(name), 40)}: must be no more than {most} bytes"


def _strategy(strategy: Object) -> Iterator[str]:
    """An update that could neither take a pod away nor add one; a setting of the other kind of update."""
    at, rolling = "spec.strategy.rollingUpdate", strategy.get("rollingUpdate")
    if strategy.get("type") == "Recreate":
        if rolling is not None:
            yield f"{at}: Forbidden: may not be specified when strategy `type` is 'Recreate'"
        return
    surge, unavailable = ((rolling or {}).get(key) for key in ("maxSurge", "maxUnavailable"))
    if _is_none(surge) and _is_none(unavailable):
        yield f"{at}.maxUnavailable: Invalid value: {shown(unavailable)}: may not be 0 when `maxSurge` is 0"


def _is_none(share: Any) -> bool:
    """Whether it is 0 or 0 % of whatever number; 25 % of one pod is not, and neither is what is not said."""
    return share is not None and str(share).removesuffix("%").strip("0") == ""


def _container(container: Object, at: str) -> Iterator[str]:
    yield from _too_long(f"{at}.name", container.get("name"), LABEL_MOST)
    for name in _PROBES:
        yield from _handlers(container.get(name), f"{at}.{name}")
    for name in _HOOKS:
        yield from _handlers((container.get("lifecycle") or {}).get(name), f"{at}.lifecycle.{name}")


def _handlers(action: Object | None, at: str) -> Iterator[str]:
    """A probe or a hook does one thing."""
    if action is None:
        return
    does = [name for name in _HANDLERS if action.get(name) is not None]
    if not does:
        yield f"{at}: Required value: must specify a handler type"
    for name in does[1:]:
        yield f"{at}.{name}: Forbidden: may not specify more than 1 handler type"
