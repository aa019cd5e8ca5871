"""YAML or JSON files -> manifests: plain objects, as kubectl would send them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.errors import ManifestError
from harness.inputs.files import file_text
from harness.inputs.shape import unquoted
from harness.inputs.shown import cut, printable, shown
from harness.inputs.unfinished import RENDER, unfinished
from harness.manifests.as_applied import as_applied, without_nulls
from harness.manifests.kubectl_yaml import MeaningError, documents
from harness.spec.refused import refusal
from harness.spec.shape import misshapen, named
from harness.spec.workload import WORKLOAD_KINDS

_ONE_IS_MEANT = frozenset({*WORKLOAD_KINDS, "Service"})
BUILD = "Build them first: kubectl kustomize FOLDER, and give what that prints."

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


def objects_of(document: Any) -> Iterator[Any]:
    """The objects of a document: itself, or the items of a list, which inherit its kind where they name none.

    What has a field `items` that is a list is one, as for kubectl (apimachinery: unstructured, detectList); one whose
    items are null is an empty one.
    """
    if not is_list(document):
        yield document
        return
    kind = str(document.get("kind") or "").removesuffix("List")
    for item in document["items"] or ():
        inherits = kind and isinstance(item, dict) and not item.get("kind")
        yield from objects_of({"apiVersion": document.get("apiVersion"), "kind": kind, **item} if inherits else item)


def is_list(document: Any) -> bool:
    """Whether a document is a list of objects, and none itself."""
    if not isinstance(document, dict) or "items" not in document:
        return False
    empty = document["items"] is None and str(document.get("kind") or "").endswith("List")
    return empty or isinstance(document["items"], list)


def meaning(text: str, *, tried: str) -> list[Any]:
    """What each document of the text holds; an empty one is None.

    Raises:
        ManifestError: it is not YAML as kubectl reads it, or a template that is not rendered.
    """
    try:
        return documents(text)
    except MeaningError as error:
        if why := unfinished(text, error.line):
            raise ManifestError(tried, str(why), why.do) from None
        raise ManifestError(tried, f"it is not YAML as kubectl reads it: {error}") from None


def checked(objects: Iterable[Any], *, tried: str) -> list[Manifest]:
    """The objects, each as Kubernetes wants it, as far as that can be told without a cluster; null absent.

    Raises:
        ManifestError: one is not; says which, and where in it.
    """
    found = []
    for number, each in enumerate(objects, start=1):
        if wrong := _is_no_object(each):
            do = BUILD if _is_kustomization(each) else "Is it a manifest of Kubernetes?"
            raise ManifestError(tried, f"object {number} in it {wrong}", do)
        manifest: Manifest = without_nulls(each)
        if misfit := misshapen(manifest):
            do = RENDER if "{{" in misfit.found else "Kubernetes would refuse it."
            raise ManifestError(tried, f"{named(manifest)}: {misfit}", do)
        if refused := refusal(manifest):
            raise ManifestError(tried, f"{named(manifest)}: {refused}", "Kubernetes would refuse it.")
        found.append(manifest)
    return found


def _is_kustomization(each: Any) -> bool:
    return isinstance(each, dict) and str(each.get("apiVersion")).startswith("kustomize.config.k8s.io/")


def _is_no_object(each: Any) -> str:
    """What keeps it from being a Kubernetes object with a name, in words; empty where nothing does."""
    if _is_kustomization(each):
        return "is a Kustomization, which says of what manifests are built"
    if isinstance(each, dict) and str(each.get("kind")).endswith("List") and "items" in each:
        return f"is a {cut(printable(str(each['kind'])), 80)} whose items are no list"
    fields = each if isinstance(each, dict) else {}
    metadata = fields.get("metadata")
    name = metadata.get("name") or metadata.get("generateName") if isinstance(metadata, dict) else None
    words = {"apiVersion": fields.get("apiVersion"), "kind": fields.get("kind"), "metadata.name": name}
    if wrong := _is_no_text(words):
        return wrong
    *lacks, last = [path for path, word in words.items() if not (isinstance(word, str) and word)] or [""]
    if not last:
        return ""
    of = f"({shown(name)}) " if isinstance(name, str) and name else ""
    why = "" if isinstance(each, dict) else f", for it is {'a list' if isinstance(each, list) else shown(each)}"
    return f"{of}has no {', '.join(lacks)}{' and ' if lacks else ''}{last}{why}"


def _is_no_text(words: dict[str, Any]) -> str:
    """Which of what is there is something else than text, in words; empty where none is."""
    wrong = ((path, word) for path, word in words.items() if word is not None and not isinstance(word, str))
    for path, word in wrong:
        return f"has {path} {shown(word)}{unquoted(word)}, where text is wanted"
    return ""


def _read(path: Path) -> list[Manifest]:
    tried = f"reading {path}"
    text = file_text(path, error=ManifestError, hint="`manifests` names files relative to the experiment's.")
    found = [document for document in meaning(text, tried=tried) if document is not None]
    manifests = checked((item for document in found for item in objects_of(document)), tried=tried)
    if not manifests:
        raise ManifestError(tried, "it holds no object")
    return manifests
