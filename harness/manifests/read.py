"""YAML or JSON files -> manifests: plain objects, as kubectl would send them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.errors import ManifestError
from harness.inputs.files import file_text
from harness.manifests.as_applied import as_applied
from harness.manifests.located import Unreadable, located_objects
from harness.manifests.objects import Unfit, fitted, meaning, objects_of
from harness.spec.shape import named
from harness.spec.workload import WORKLOAD_KINDS

_ONE_IS_MEANT = frozenset({*WORKLOAD_KINDS, "Service"})

Manifest = dict[str, Any]
"""One Kubernetes object as YAML or JSON says it."""


def read_manifests(paths: Iterable[Path]) -> tuple[Manifest, ...]:
    """All objects of the files, in order; a list (`kind: List`, `kind: ServiceList`) counts as its items.

    Of an object that comes twice the last counts, in the place of the first, as for `kubectl apply`; but not of a
    workload or a Service, of which one would be measured and the other meant. One that has only a `generateName` has a
    name made of it.

    Raises:
        ManifestError: a file is missing, is not YAML, or holds something that is no Kubernetes object; a workload or a
            Service comes twice.
    """
    found: dict[tuple[str, ...], Manifest] = {}
    places: dict[tuple[str, ...], tuple[int, Path]] = {}
    for number, path in enumerate(paths):
        for written in _read(path):
            manifest = as_applied(written)
            _name(manifest, number=len(found))
            identity = _identity(manifest)
            if identity in found and manifest["kind"] in _ONE_IS_MEANT:
                raise _twice(manifest, places[identity], (number, path))
            found[identity], places[identity] = manifest, (number, path)
    return tuple(found.values())


def _twice(manifest: Manifest, first: tuple[int, Path], second: tuple[int, Path]) -> ManifestError:
    """`first`, `second`: the files in which they stand, with their places among all files."""
    where = f"it stands in {first[1]} already, so there are 2 of them"
    if first == second:
        where = "it has 2 of them"
    elif first[1] == second[1]:
        where = "that file is given twice, so there are 2 of them"
    do = "Which is meant? kubectl apply would have the last one stand; take the other out, or name it otherwise."
    return ManifestError(f"reading {second[1]}", f"{named(manifest)} comes twice: {where}", do)


def _identity(manifest: Manifest) -> tuple[str, ...]:
    """By what a cluster tells an object from others: its version is none of it."""
    metadata = manifest["metadata"]
    group = str(manifest["apiVersion"]).rpartition("/")[0]
    return group, str(manifest["kind"]), str(metadata.get("namespace") or ""), str(metadata["name"])


def _name(manifest: Manifest, number: int) -> None:
    """A server would add five characters of its choice; the number of the object makes a name that no other has."""
    metadata = manifest["metadata"]
    if not metadata.get("name"):
        metadata["name"] = f"{metadata.pop('generateName')}{number:05d}"


def checked(objects: Iterable[Any], text: str, *, tried: str) -> list[Manifest]:
    """The objects of the text, each as it is read here; null absent.

    Raises:
        ManifestError: one is none; says which, on which line, and where in it.
    """
    found = []
    for number, each in enumerate(objects, start=1):
        manifest = fitted(each)
        if isinstance(manifest, Unfit):
            place = next((f":{one.line}" for one in located_objects(text) if isinstance(one, Unreadable)), "")
            seen = manifest.seen.replace("it ", f"object {number} in it ", 1) if not manifest.path else manifest.seen
            raise ManifestError(f"{tried}{place}", seen, manifest.do)
        found.append(manifest)
    return found


def _read(path: Path) -> list[Manifest]:
    tried = f"reading {path}"
    text = file_text(path, error=ManifestError, hint="`manifests` names files relative to the experiment's.")
    found = [document for document in meaning(text, tried=tried) if document is not None]
    manifests = checked((item for document in found for item in objects_of(document)), text, tried=tried)
    if not manifests:
        raise ManifestError(tried, "it holds no object")
    return manifests
