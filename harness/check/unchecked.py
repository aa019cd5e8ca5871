"""An object, and the Services before it -> why it is not held against the table, and whether a cluster refuses it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from harness.check.sources import Source
from harness.manifests.located import Unreadable
from harness.model.refusal import Refusal
from harness.spec.readiness import is_probed
from harness.spec.rolling import wanted_replicas
from harness.spec.workload import (
    WORKLOAD_KINDS,
    Object,
    containers,
    is_custom,
    is_foreign,
    pod_selector,
    pod_spec,
    spec_of,
)

_SAID_OF_ITSELF = re.compile(r"""(?:^|[\s{,'"-])(?:apiVersion|kind)["']?\s*:""").search
_KEYS = re.compile(r"^[\w.-]+:(?=\s)", re.MULTILINE).findall


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Why, in words. `refused`: no cluster takes it as it stands."""

    why: str
    refused: bool = False


def unreadable(found: Unreadable, source: Source) -> Unchecked:
    """What is no object: refused where it was named itself, or is meant as one."""
    if found.refused and not found.do and _is_of_another_kind(source):
        return Unchecked(f"it has neither apiVersion nor kind, and {found.why}", refused=source.given)
    return Unchecked(found.why, refused=found.refused or source.given)


def _is_of_another_kind(source: Source) -> bool:
    """Whether a text that is no YAML is none by what it has, too: not a word of what each manifest says of itself, and
    keys of its own (`apps` of a dapr.yaml), or the name of a file of JSON (tsconfig.json, lines of JSON)."""
    if _SAID_OF_ITSELF(source.text):
        return False
    return source.file.lower().endswith(".json") or len(set(_KEYS(source.text))) > 1


def is_workload(manifest: Object) -> bool:
    """Whether it is a Deployment or a StatefulSet of Kubernetes' own."""
    return manifest["kind"] in WORKLOAD_KINDS and not is_custom(manifest)


def foreign(manifest: Object) -> Unchecked | None:
    """Of an object that is no workload which is known here: why it is not checked; None where it makes no pods."""
    if manifest["kind"] == "CustomResourceDefinition":
        return Unchecked(f"{named(manifest)} defines a kind, and is no workload")
    if manifest["kind"] in WORKLOAD_KINDS:
        return Unchecked(f"{named(manifest)} is of {manifest['apiVersion']}, and none of Kubernetes' own")
    return Unchecked(f"{named(manifest)} is no Deployment and no StatefulSet") if is_foreign(manifest) else None


def is_part(manifest: Object, wrong: Collection[Refusal]) -> bool:
    """Whether an object that an API server refuses may be a patch: a workload without what each has, or another that
    is refused for nothing but what is not there."""
    return not _is_whole(manifest) if is_workload(manifest) else all(each.lacks for each in wrong)


def part_of_it(lacks: str) -> str:
    """The end of a sentence on what is but a part of an object."""
    return f"is not whole ({lacks}), as a patch of kustomize: check what it builds"


def _is_whole(workload: Object) -> bool:
    inside = containers(pod_spec(workload))
    return bool(inside and pod_selector(workload) and all(each.get("image") and each.get("name") for each in inside))


def unchecked(workload: Object, services: Collection[object], *, replicas: int | None) -> Unchecked | None:
    """Why a workload is not checked; None where it is. `replicas`: the fewest by its autoscaler, None without one."""
    name, pod = named(workload), pod_spec(workload)
    if not _is_whole(workload):
        return Unchecked(f"{name} {part_of_it('no selector, containers or images')}")
    if wanted_replicas(spec_of(workload)) == 0:
        off = " (its autoscaler is off as long as that is so)" if replicas is not None else ""
        return Unchecked(f"{name} has replicas: 0, and no pod that could be replaced{off}")
    if services or is_probed(pod) or any(each.get("ports") for each in containers(pod)):
        return None
    return Unchecked(f"{name} serves nobody: no Service sends to it, and it has neither a port nor a readiness probe")


def named(manifest: Object) -> str:
    """The object in a message: "Deployment shop/web"."""
    metadata = manifest.get("metadata") or {}
    namespace = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{manifest.get('kind')} {namespace}{metadata.get('name') or metadata.get('generateName')}"
