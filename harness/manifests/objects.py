"""What a document of YAML or JSON holds -> the Kubernetes objects in it, or why something is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.errors import ManifestError
from harness.inputs.shape import unquoted
from harness.inputs.shown import cut, printable, shown
from harness.inputs.unfinished import RENDER, unfinished
from harness.manifests.as_applied import without_nulls
from harness.manifests.kubectl_yaml import MeaningError, documents
from harness.spec.shape import misshapen, named
from harness.spec.workload import Object

BUILD = "Build them first: kubectl kustomize FOLDER, and give what that prints."
REFUSED = "Kubernetes would refuse it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Why something is no object that can be read here. `path`: of the field that is not as it should be."""

    seen: str
    do: str
    path: str = ""


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


def fitted(each: Any) -> Object | Unfit:
    """The object, null absent; or why it is none, as far as that can be told by those fields that are read here."""
    if wrong := _is_no_object(each):
        return Unfit(seen=f"it {wrong}", do=BUILD if _is_kustomization(each) else "Is it a manifest of Kubernetes?")
    manifest: Object = without_nulls(each)
    if misfit := misshapen(manifest):
        do = RENDER if "{{" in misfit.found else REFUSED
        return Unfit(seen=f"{named(manifest)}: {misfit}", do=do, path=misfit.path)
    return manifest


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
