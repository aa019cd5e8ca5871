"""Labels, annotations and managers of a workload -> who else holds it to a state of his own: Argo CD, Flux, Helm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.spec.workload import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A tool. `named`: which release or application, empty where it is none of its. `reverts`: what it does then."""

    tool: str
    named: Callable[[Object], str]
    reverts: str


def _label(key: str) -> Callable[[Object], str]:
    return lambda metadata: str((metadata.get("labels") or {}).get(key) or "")


def _annotation(key: str) -> Callable[[Object], str]:
    return lambda metadata: str((metadata.get("annotations") or {}).get(key) or "").partition(":")[0]


def _manager(name: str) -> Callable[[Object], str]:
    return lambda metadata: name if any(f.get("manager") == name for f in metadata.get("managedFields") or ()) else ""


_FLUX = "it takes back what others change at its next reconciliation"
_ARGO = "with self-heal it takes back what others change, within seconds"

OWNERS: tuple[Owner, ...] = (
    Owner(tool="Argo CD", named=_annotation("argocd.argoproj.io/tracking-id"), reverts=_ARGO),
    Owner(tool="Argo CD", named=_label("argocd.argoproj.io/instance"), reverts=_ARGO),
    Owner(tool="Argo CD", named=_manager("argocd-controller"), reverts=_ARGO),
    Owner(tool="Flux", named=_label("kustomize.toolkit.fluxcd.io/name"), reverts=_FLUX),
    Owner(tool="Flux", named=_label("helm.toolkit.fluxcd.io/name"), reverts=_FLUX),
    Owner(tool="Flux", named=_manager("kustomize-controller"), reverts=_FLUX),
    Owner(
        tool="Helm",
        named=_annotation("meta.helm.sh/release-name"),
        reverts="its next upgrade takes back what others change",
    ),
)
"""The first that fits is told.

https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/,
https://fluxcd.io/flux/components/kustomize/kustomizations/, https://helm.sh/docs/chart_best_practices/labels/
"""


def owner_of(workload: Object | None) -> tuple[Owner, str] | None:
    """Whose it is, and under which name."""
    metadata: Object = (workload or {}).get("metadata") or {}
    return next(((owner, name) for owner in OWNERS if (name := owner.named(metadata))), None)
