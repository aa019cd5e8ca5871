"""Manifests -> manifests with another namespace or image, and the patches that roll an application."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from harness.errors import ManifestError
from harness.manifests.application import Application
from harness.manifests.read import Manifest

_CLUSTER_SCOPED = frozenset(
    {
        "APIService", "CSIDriver", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "DeviceClass",
        "FlowSchema", "GatewayClass", "IngressClass", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration", "Namespace", "PersistentVolume", "PriorityClass", "PriorityLevelConfiguration",
        "RuntimeClass", "StorageClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration", "VolumeAttributesClass", "VolumeSnapshotClass",
    }
)  # fmt: skip
"""The kinds that charts bring of those that live in no namespace (`kubectl api-resources --namespaced=false`)."""

_BINDINGS = frozenset({"RoleBinding", "ClusterRoleBinding"})
_DEFAULT = "default"

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
"""The pod template's annotation by which `kubectl rollout restart` makes it another one."""


def in_namespace(manifest: Manifest, namespace: str, among: Iterable[Manifest] = ()) -> Manifest:
    """The manifest in that namespace; objects that live in none are left as they are.

    What it names of a namespace goes with that where it is `among` the manifests, as with kustomize's `namespace`: the
    service account of a binding of rights, a route's Gateway and Services, a Gateway's Secret.
    """
    moved, among = deepcopy(manifest), tuple(among)
    for subject in moved.get("subjects") or () if manifest["kind"] in _BINDINGS else ():
        if subject.get("kind") == "ServiceAccount" and any(_is(subject, account) for account in among):
            subject["namespace"] = namespace
    for reference, kind in _references(moved):
        if any(_is({"kind": kind, **reference}, each) for each in among if reference.get("namespace")):
            reference["namespace"] = namespace
    if manifest["kind"] not in _CLUSTER_SCOPED:
        moved["metadata"]["namespace"] = namespace
    return moved


def namespace_said(manifest: Manifest) -> str | None:
    """The namespace that the manifest itself says; None where it says none, or lives in none."""
    said = manifest["metadata"].get("namespace")
    return None if not said or manifest["kind"] in _CLUSTER_SCOPED else str(said)


def _references(manifest: Manifest) -> Iterator[tuple[dict[str, Any], str]]:
    """What an object of the Gateway API names, each with the kind that it is of unless it says another.

    https://gateway-api.sigs.k8s.io/reference/api-spec/main/spec (ParentReference, BackendRef, SecretObjectReference)
    """
    spec = manifest.get("spec") or {}
    if str(manifest.get("apiVersion")).startswith("gateway.networking.k8s.io/"):
        yield from ((each, "Gateway") for each in spec.get("parentRefs") or ())
        yield from ((each, "Service") for rule in spec.get("rules") or () for each in rule.get("backendRefs") or ())
        served = [listener.get("tls") or {} for listener in spec.get("listeners") or ()]
        yield from ((each, "Secret") for tls in served for each in tls.get("certificateRefs") or ())


def _is(reference: Mapping[str, Any], manifest: Manifest) -> bool:
    """Whether a reference means this object; of no namespace is that of `default`."""
    metadata = manifest["metadata"]
    meant = reference.get("kind"), reference.get("name"), reference.get("namespace") or _DEFAULT
    return meant == (manifest["kind"], metadata["name"], metadata.get("namespace") or _DEFAULT)


def image_sequence(application: Application, images: Mapping[str, tuple[str, ...]], rollout: int) -> dict[str, str]:
    """Container -> image that rollout number `rollout` (from 0) goes to: the listed images in turn.

    Raises:
        ManifestError: a container is not in the application, or the rollout would change nothing.
    """
    inside = application.containers | application.sidecars
    for container in images:
        if container not in inside:
            have = ", ".join(inside)
            raise ManifestError(f"updating the image of container {container!r}", f"the application has {have}")
    wanted = {container: turns[rollout % len(turns)] for container, turns in images.items()}
    before = inside
    if rollout:
        before = before | {container: turns[(rollout - 1) % len(turns)] for container, turns in images.items()}
    if all(before[container] == image for container, image in wanted.items()):
        images_words = ", ".join(f"{image} ({container})" for container, image in wanted.items())
        raise ManifestError(
            f"planning rollout {rollout + 1}",
            f"it would go from {images_words} to the same: Kubernetes would roll nothing",
            "List at least two images, the first one other than the manifest's.",
        )
    return wanted


def image_patch(images: Mapping[str, str], sidecars: Container[str] = ()) -> dict[str, Any]:
    """The strategic merge patch that gives these containers these images.

    `sidecars`: the native ones among them, which stand among the init containers.

    >>> image_patch({"mesh": "mesh:2"}, {"mesh"})
    {'spec': {'template': {'spec': {'initContainers': [{'name': 'mesh', 'image': 'mesh:2'}]}}}}
    """
    named: dict[str, list[dict[str, str]]] = {}
    for container, image in images.items():
        place = "initContainers" if container in sidecars else "containers"
        named.setdefault(place, []).append({"name": container, "image": image})
    return {"spec": {"template": {"spec": named}}}


def restart_patch(at: str) -> dict[str, Any]:
    """The strategic merge patch of `kubectl rollout restart`; `at`: an RFC 3339 time."""
    return {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at}}}}}


def restarted_at(workload: Mapping[str, Any]) -> str:
    """When a workload, or a patch of it, was restarted last; empty where it says nothing of that.

    >>> restarted_at(restart_patch("2026-11-27T09:00:00Z")), restarted_at(image_patch({"web": "web:2"}))
    ('2026-11-27T09:00:00Z', '')
    """
    node: Any = workload
    for key in ("spec", "template", "metadata", "annotations"):
        node = (node or {}).get(key)
    return str((node or {}).get(RESTARTED_AT) or "")
