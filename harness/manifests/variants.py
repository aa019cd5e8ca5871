"""Manifests and the patches of a variant -> the manifests of that variant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.errors import ManifestError
from harness.manifests.merge import patched
from harness.manifests.read import Manifest
from harness.model.patch_settings import ManifestPatch


def with_patches(manifests: Sequence[Manifest], patches: Iterable[ManifestPatch]) -> tuple[Manifest, ...]:
    """The manifests, patched in order; those that are passed in stay as they were.

    Raises:
        ManifestError: there is no such object, or the patch would make another one of it.
    """
    made = list(manifests)
    for each in patches:
        named = f"{each.kind} {each.name}"
        at = [n for n, found in enumerate(made) if (found["kind"], found["metadata"]["name"]) == (each.kind, each.name)]
        if not at:
            have = ", ".join(f"{found['kind']} {found['metadata']['name']}" for found in made)
            raise ManifestError(f"patching {named}", f"the manifests hold only {have}", "Name one of them.")
        for n in at:
            made[n] = patched(made[n], each.patch)
            metadata = made[n].get("metadata")
            if made[n].get("kind") != each.kind or not isinstance(metadata, dict) or metadata.get("name") != each.name:
                seen = "kind and name are what it is known by, and the patch changes them"
                raise ManifestError(f"patching {named}", seen, "Leave them as they are.")
    return tuple(made)
