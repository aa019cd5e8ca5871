"""A cluster's discovery -> the kinds of objects in it that somebody may have created, and can delete."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import ClusterError
from harness.kube.client import Kube

_OTHERS_MAKE = frozenset({"Event", "Endpoints"})
"""Made by the cluster about other objects, whose labels they may have taken over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind as manifests name it."""

    api_version: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """All namespaced ones that can be listed and deleted; `unread`: API versions that did not tell theirs, and why."""

    found: tuple[Kind, ...]
    unread: tuple[str, ...] = ()


async def deletable_kinds(kube: Kube) -> Kinds:
    """Of each group the version that the cluster prefers.

    Raises:
        ClusterError: it does not even tell its groups.
    """
    groups = (await kube.request("GET", "/apis")).get("groups", ())
    versions = ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups)]
    found: list[Kind] = []
    unread: list[str] = []
    for version in versions:
        try:
            listed = await kube.resources(version, patience_s=0.0)
        except ClusterError as error:  # one whose server is away, such as that of metrics, must not hide the others
            unread.append(f"{version}: {error.seen or error.tried}")
            continue
        found += [
            Kind(api_version=version, name=name)
            for name, resource in listed.items()
            if resource.namespaced and resource.verbs >= {"list", "delete"} and name not in _OTHERS_MAKE
        ]
    return Kinds(found=tuple(found), unread=tuple(unread))
