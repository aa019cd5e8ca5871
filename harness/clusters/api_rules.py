"""A manifest -> why an API server would refuse it, in its words, without one: by the rules of the sandbox's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.clusters.api_types import misfits
from harness.clusters.removed_kinds import EMPTIED, removed
from harness.inputs.shown import near, shown
from harness.model.refusal import Refusal
from harness.sandbox.apiserver.decoding import schemas
from harness.sandbox.apiserver.dry_run import refused_fields

_CLOSED = frozenset(("v1", "apps/v1", "batch/v1"))
_NOT_SERVED_HERE = {
    "v1": (
        "Binding", "ComponentStatus", "PersistentVolume", "PodTemplate", "ReplicationController",
    ),
}  # fmt: skip
"""What else there is in the groups to which nobody adds a kind: https://kubernetes.io/docs/reference/kubernetes-api/."""


def refusals(manifest: Mapping[str, Any]) -> tuple[Refusal, ...]:
    """All that is wrong with it: a kind that there is not, else values of another type, else what the rules forbid.

    >>> [str(each) for each in refusals({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}})]
    ['spec.ports: Required value']
    >>> [str(each) for each in refusals({"apiVersion": "apps/v1", "kind": "Deploymnet", "metadata": {"name": "web"}})]
    ["there is no kind 'Deploymnet' in apps/v1; did you mean Deployment?"]
    """
    if wrong := kind_refusals(manifest):
        return wrong
    if found := tuple(Refusal(field=misfit.path, words=str(misfit)) for misfit in misfits(manifest)):
        return found
    return tuple(
        Refusal(
            field=cause.field.replace(".template.labels", ".template.metadata.labels").replace(
                ".template.annotations", ".template.metadata.annotations"
            ),
            words=f"{cause.field}: {cause.message}" if cause.field else cause.message,
            lacks=cause.reason == "FieldValueRequired",
        )
        for cause in refused_fields(dict(manifest))
    )


def kind_refusals(manifest: Mapping[str, Any]) -> tuple[Refusal, ...]:
    """What is wrong with its kind, by which all others find it."""
    wrong = _no_kind(str(manifest.get("apiVersion")), str(manifest.get("kind")))
    return (Refusal(field="kind", words=wrong),) if wrong else ()


def _no_kind(version: str, kind: str) -> str:
    """That there is none, and which was meant; empty where there may be one, or nothing is like it."""
    if gone := removed(version, kind):
        return f"there is no kind {shown(kind)} in {version}: {gone}"
    served = [name.rsplit("/", 1) for name in schemas()["kinds"]]
    elsewhere = [group for group, each in served if each == kind and group != version]
    own = {each for group, each in served if group == version} | {*_NOT_SERVED_HERE.get(version, ())}
    if version not in _CLOSED | EMPTIED or kind in own:
        return ""
    meant = f": its apiVersion is {elsewhere[0]}" if elsewhere else near(kind, sorted(own))
    return f"there is no kind {shown(kind)} in {version}{meant}" if meant else ""
