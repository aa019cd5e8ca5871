"""YAML or JSON files -> manifests: plain objects, as kubectl would send them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.errors import ManifestError
from harness.manifests.as_applied import as_applied
from harness.manifests.kubectl_yaml import MeaningError, documents

Manifest = dict[str, Any]
"""One Kubernetes object as YAML or JSON says it."""


def read_manifests(paths: Iterable[Path]) -> tuple[Manifest, ...]:
    """All objects of the files, in order; a list (`kind: List`, `kind: ServiceList`) counts as its items.

    Raises:
        ManifestError: a file is missing, is not YAML, or holds something that is no Kubernetes object.
    """
    return tuple(as_applied(manifest) for path in paths for manifest in _read(path))


def file_text(path: Path) -> str:
    """The text of a file with manifests.

    Raises:
        ManifestError: it is missing, or no text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        seen = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text in UTF-8"
        raise ManifestError(f"reading {path}", seen, "`manifests` names files relative to the experiment's.") from None


def objects_of(document: Any) -> Iterator[Any]:
    """The objects of a document: itself, or the items of a list, which inherit its kind where they name none.

    What has a field `items` is a list, as for kubectl (apimachinery: unstructured, detectList).
    """
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        yield document
        return
    kind = str(document.get("kind") or "").removesuffix("List")
    for item in document["items"]:
        inherits = kind and isinstance(item, dict) and not item.get("kind")
        yield from objects_of({"apiVersion": document.get("apiVersion"), "kind": kind, **item} if inherits else item)


def _read(path: Path) -> list[Manifest]:
    tried = f"reading {path}"
    text = file_text(path)
    try:
        found = [document for document in documents(text) if document is not None]
    except MeaningError as error:
        raise ManifestError(tried, f"it is not YAML as kubectl reads it: {error}") from None
    manifests = [item for document in found for item in objects_of(document)]
    for number, manifest in enumerate(manifests, start=1):
        if not is_object(manifest):
            raise ManifestError(tried, f"object {number} in it has no apiVersion, kind and metadata.name")
    if not manifests:
        raise ManifestError(tried, "it holds no object")
    return manifests


def is_object(manifest: Any) -> bool:
    """Whether it is a Kubernetes object with a name."""
    if not isinstance(manifest, dict) or not isinstance(manifest.get("metadata"), dict):
        return False
    named = (manifest.get("apiVersion"), manifest.get("kind"), manifest["metadata"].get("name"))
    return all(isinstance(word, str) and word for word in named)
