"""A manifest as it is written -> what is sent to a cluster: null is absent, and what only a server sets is left out.

So an export (`kubectl get -o yaml`) can be applied elsewhere. What a server sets:
https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/ (read-only fields), and of a Service
what it was given from the pools of its cluster.
"""

from __future__ import annotations

from typing import Any

from harness.spec.workload import Object

_OF_TEXT = frozenset({"annotations", "binaryData", "data", "labels", "matchLabels", "nodeSelector", "stringData"})
"""Fields that map to text: a null in them is the empty text, as Go decodes it."""

_METADATA = (
    "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
    "resourceVersion", "selfLink", "uid",
)  # fmt: skip
_EXPORTED_METADATA = ("finalizers", "ownerReferences")
_ANNOTATIONS = (
    "deployment.kubernetes.io/",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/",
)
_EXPORTED_SPEC = {
    "Service": ("healthCheckNodePort", "ipFamilies", "ipFamilyPolicy"),
    "PersistentVolumeClaim": ("volumeName",),
    "Pod": ("nodeName",),
}
_JOB_LABELS = ("batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name")


def as_applied(written: Object) -> Object:
    """The object that a create request may carry.

    Of an export, which is known by its uid or resourceVersion, this leaves out too what ties it to its cluster: its
    owners and finalizers, the addresses and node ports of a Service, the volume of a claim, the node of a Pod. Where
    only its metadata were tidied, `clusterIPs` tells such an address from one that somebody wrote: a server sets both.
    """
    manifest: Object = without_nulls(written)
    metadata = manifest["metadata"]
    exported = bool({"uid", "resourceVersion"} & metadata.keys())
    _drop(metadata, *_METADATA)
    manifest.pop("status", None)
    kind, spec = manifest["kind"], manifest.get("spec")
    if exported:
        _drop(metadata, *_EXPORTED_METADATA)
        _without_annotations(metadata)
        if isinstance(spec, dict):
            _untied(kind, spec)
    elif kind == "Service" and isinstance(spec, dict) and "clusterIPs" in spec:
        _without_addresses(spec)
    return manifest


def without_nulls(node: Any, field: str = "") -> Any:
    """Without the fields that are null; in a list a null keeps its place."""
    if isinstance(node, dict):
        if field in _OF_TEXT:
            return {key: "" if value is None else without_nulls(value) for key, value in node.items()}
        return {key: without_nulls(value, key) for key, value in node.items() if value is not None}
    if isinstance(node, list):
        return [without_nulls(item) for item in node]
    return node


def _without_addresses(spec: Object) -> None:
    """A headless Service stays one; the address of another is its cluster's to give."""
    if spec.get("clusterIP") != "None":
        _drop(spec, "clusterIP", "clusterIPs")


def _without_annotations(metadata: Object) -> None:
    annotations = metadata.get("annotations") or {}
    _drop(annotations, *[name for name in annotations if name.startswith(_ANNOTATIONS)])


def _untied(kind: str, spec: Object) -> None:
    _drop(spec, *_EXPORTED_SPEC.get(kind, ()))
    if kind == "Service":
        _without_addresses(spec)
        for port in spec.get("ports") or ():
            _drop(port, "nodePort")
    if kind == "Job" and not spec.get("manualSelector"):
        _drop(spec, "selector")
        template = (spec.get("template") or {}).get("metadata") or {}
        _drop(template.get("labels") or {}, *_JOB_LABELS)


def _drop(fields: Object, *names: str) -> None:
    for name in names:
        fields.pop(name, None)
