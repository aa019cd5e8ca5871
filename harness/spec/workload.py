"""Manifests -> the workload that is judged, and the parts of it that every reader asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

Object = dict[str, Any]
"""A Kubernetes object, or a part of one, as JSON or YAML says it."""

WORKLOAD_KINDS = ("Deployment", "StatefulSet")


class Named(Protocol):
    """What is known by its name, such as the Service that is measured."""

    @property
    def name(self) -> str:
        """As its metadata says it."""


def judged_workload(manifests: Iterable[Object], target: str | None = None) -> Object | None:
    """The Deployment or StatefulSet that the run is about: `target` ("deployment/web"), wherever it stands.

    Without a target on record the first among the manifests; None where there is none.

    >>> web, worker = ({"kind": "Deployment", "metadata": {"name": name}} for name in ("web", "worker"))
    >>> judged_workload([worker, web], "deployment/web")["metadata"]["name"]
    'web'
    """
    workloads = [manifest for manifest in manifests if manifest.get("kind") in WORKLOAD_KINDS]
    if not target:
        return workloads[0] if workloads else None
    return next((workload for workload in workloads if workload_name(workload) == target.lower()), None)


def workload_name(workload: Object) -> str:
    """As `target` names it: "deployment/web"."""
    return f"{workload.get('kind')}/{(workload.get('metadata') or {}).get('name')}".lower()


def services(manifests: Iterable[Object], measured: Named | None = None) -> tuple[Object, ...]:
    """The Services among the manifests; with `measured` that one alone."""
    found = tuple(manifest for manifest in manifests if manifest.get("kind") == "Service")
    if measured is None:
        return found
    return tuple(one for one in found if (one.get("metadata") or {}).get("name") == measured.name)


def is_foreign(manifest: Object) -> bool:
    """Whether it makes pods, or may make them, in a way that is not known here: no Deployment, no StatefulSet.

    Of Kubernetes' own kinds those with a pod template; of others each, for what a custom kind does cannot be told.
    """
    if manifest.get("kind") in WORKLOAD_KINDS:
        return False
    return (
        is_custom(manifest)
        or bool({"template", "jobTemplate"} & spec_of(manifest).keys())
        or manifest.get("kind") == "Pod"
    )


def is_custom(manifest: Object) -> bool:
    """Whether its kind is none of Kubernetes' own, by its API group."""
    group = str(manifest.get("apiVersion") or "").rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")


def pod_spec(workload: Object | None) -> Object:
    """The spec of its pod template; empty where there is none."""
    template: Object = spec_of(workload).get("template") or {}
    return template.get("spec") or {}


def containers(pod: Object) -> tuple[Object, ...]:
    """The containers that run as long as the pod does, native sidecars last; no other init containers.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    return main_containers(pod) + tuple(
        container for container in pod.get("initContainers") or () if is_sidecar(container)
    )


def main_containers(pod: Object) -> tuple[Object, ...]:
    """The containers that hear first that their pod is to stop, all at once: native sidecars hear it after them."""
    return tuple(container for container in pod.get("containers") or () if isinstance(container, dict))


def is_sidecar(init_container: Object) -> bool:
    """Whether an init container is a native sidecar."""
    return isinstance(init_container, dict) and init_container.get("restartPolicy") == "Always"


def pod_selector(workload: Object | None) -> Object:
    """The label selector by which it selects its pods; empty where it has none."""
    return spec_of(workload).get("selector") or {}


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a Service with this selector sends to pods with these labels; one without labels sends to none."""
    return bool(selector) and selector.items() <= labels.items()


def spec_of(workload: Object | None) -> Object:
    """Its spec; empty where there is none, or where a kind that is not known here means something else by it."""
    spec = (workload or {}).get("spec")
    return spec if isinstance(spec, dict) else {}
