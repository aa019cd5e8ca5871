"""An application among other objects -> the application with fewer of them, and the sentence that says which went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.manifests.application import Application
from harness.manifests.read import Manifest

_HOOK = "helm.sh/hook"
_POD_MAKERS = frozenset(
    ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob", "Pod")
)


def makes_pods(manifest: Manifest) -> bool:
    """Whether it is of a kind of Kubernetes' own of which pods come."""
    return manifest["kind"] in _POD_MAKERS


def without_others(application: Application) -> tuple[Application, tuple[str, ...]]:
    """The application without the workloads that are not the target; what is not a workload stays."""

    def other(manifest: Manifest) -> bool:
        return makes_pods(manifest) and manifest is not application.target

    return without(application, other, "as others: skip says")


def without_hooks(application: Application) -> tuple[Application, tuple[str, ...]]:
    """The application without the Jobs and Pods that Helm runs beside a release: before an upgrade, or to test it.

    `helm template` prints them among the release's objects: https://helm.sh/docs/topics/charts_hooks/
    """

    def hook(manifest: Manifest) -> bool:
        annotations = manifest["metadata"].get("annotations") or {}
        return makes_pods(manifest) and manifest is not application.target and _HOOK in annotations

    return without(application, hook, f"since Helm runs what has {_HOOK}, and no rollout does")


def without(
    application: Application, leave_out: Callable[[Manifest], bool], why: str
) -> tuple[Application, tuple[str, ...]]:
    """The application without what `leave_out` holds of, and a sentence that names it; none where all stays."""
    gone = [manifest for manifest in application.manifests if leave_out(manifest)]
    if not gone:
        return application, ()
    named = ", ".join(f"{manifest['kind']} {manifest['metadata']['name']}" for manifest in gone)
    kept = tuple(manifest for manifest in application.manifests if not leave_out(manifest))
    return replace(application, manifests=kept), (f"Left out, {why}: {named}.",)
