"""YAML files -> manifests (as mappings that keep their comments)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from harness.errors import ManifestError

Manifest = dict[str, Any]
"""One Kubernetes object as YAML or JSON says it."""


def read_manifests(paths: Iterable[Path]) -> tuple[Manifest, ...]:
    """All objects of the files, in order; a `List` counts as its items.

    Raises:
        ManifestError: a file is missing, is not YAML, or holds something that is no Kubernetes object.
    """
    return tuple(manifest for path in paths for manifest in _read(path))


def _read(path: Path) -> list[Manifest]:
    tried = f"reading {path}"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        seen = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text in UTF-8"
        raise ManifestError(tried, seen, "`manifests` names files relative to the experiment's.") from None
    try:
        documents = [document for document in _yaml().load_all(text) if document is not None]
    except YAMLError as error:
        raise ManifestError(tried, "it is not YAML: " + " ".join(str(error).split())) from None
    manifests = [item for document in documents for item in _items(document)]
    for number, manifest in enumerate(manifests, start=1):
        if not _is_object(manifest):
            raise ManifestError(tried, f"object {number} in it has no apiVersion, kind and metadata.name")
    if not manifests:
        raise ManifestError(tried, "it holds no object")
    return manifests


def _items(document: Any) -> Sequence[Any]:
    if isinstance(document, dict) and document.get("kind") == "List":
        return list(document.get("items") or ())
    return [document]


def _is_object(manifest: Any) -> bool:
    if not isinstance(manifest, dict) or not isinstance(manifest.get("metadata"), dict):
        return False
    named = (manifest.get("apiVersion"), manifest.get("kind"), manifest["metadata"].get("name"))
    return all(isinstance(word, str) and word for word in named)


def manifests_yaml(manifests: Iterable[Manifest]) -> str:
    """The manifests as one YAML text, comments kept where they came from one."""
    text = io.StringIO()
    _yaml().dump_all(manifests, text)
    return text.getvalue()


def _yaml() -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
