"""The text of manifests -> its objects, each with the lines on which its fields stand; and what in it is none, and why.

Other than `harness.manifests.read` it goes on after what cannot be read: the rest is there all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.inputs.unfinished import RENDER, unfinished
from harness.inputs.yaml_nodes import Collection, Node, Scalar
from harness.manifests.kubectl_yaml import MeaningError, documents, located
from harness.manifests.objects import BUILD, Unfit, fitted, objects_of
from harness.manifests.stream import Part, parts
from harness.spec.shape import is_known
from harness.spec.workload import Object, is_custom

_YAML_ERROR = re.compile(r"(?:line \d+(?:, column \d+)?: )?it is not YAML that can be read here \((.*)\)", re.DOTALL)
_AT = re.compile(r" \(line \d+\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """An object. `line`: of its beginning; `document`: of its document's; both from 1."""

    manifest: Object
    line: int
    document: int
    node: Node | None
    offset: int  # of the document's lines in the text

    def line_of(self, path: str, container: str = "") -> int:
        """The line of the field, or of the innermost on the way to it that is there.

        `path`: "spec.template.spec.containers[].lifecycle", or with the place in the list or the key in a mapping;
        `container`: the name of the one that is meant by `[]`, which may be an init container; else the first.
        """
        return _line(self.node, path, container) + self.offset if self.node is not None else self.line


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A document, or an object, that is none: where, why, and what to do. `refused`: it is meant as one, and kubectl
    refuses it; what is no manifest at all, or a template that is not rendered, is not."""

    line: int
    why: str
    refused: bool
    do: str = ""


def located_objects(text: str) -> Iterator[Located | Unreadable]:
    """The objects of the text, in order; a list counts as its items."""
    for part in parts(text):
        if not part.parts:
            yield from _of_document(part)


def _of_document(part: Part) -> Iterator[Located | Unreadable]:
    try:
        meant = located(part.text)
    except MeaningError as error:
        yield from _otherwise(part, error)
        return
    for value, node in meant:
        if value is None:
            continue
        nodes = list(_nodes(node))
        for number, each in enumerate(objects_of(value)):
            own = nodes[number] if number < len(nodes) else node
            yield _object(each, own, part)


def _otherwise(part: Part, error: MeaningError) -> Iterator[Located | Unreadable]:
    """What it is if it is not YAML: a stream of JSON, whose lines are not known, a template, or nothing."""
    try:
        if not part.text.lstrip().startswith("{"):  # no JSON: it would be read a second time for the same error
            raise error
        meant = documents(part.text)
    except MeaningError:
        known = unfinished(part.text, error.line)
        why = known.what if known else f"it is not YAML as kubectl reads it: {_without_place(str(error))}"
        line = known.line if known else error.line or 1
        yield Unreadable(
            line=line + part.line - 1,
            why=why,
            refused=known is None or known.do != RENDER,
            do=known.do if known else "",
        )
        return
    for value in meant:
        for each in objects_of(value):
            yield _object(each, None, part)


def _without_place(words: str) -> str:
    """What is wrong alone: its line there is that of its document, and stands before the words anyway.

    >>> _without_place("line 2, column 1: it is not YAML that can be read here (found a tab (here))")
    'found a tab (here)'
    >>> _without_place("a key must be text (line 7)")
    'a key must be text'
    """
    read = _YAML_ERROR.fullmatch(words)
    return _AT.sub("", read[1] if read is not None else words)


def _object(value: object, node: Node | None, part: Part) -> Located | Unreadable:
    line, offset = part.line + (node.line - 1 if node is not None else 0), part.line - 1
    manifest = fitted(value)
    if isinstance(manifest, Unfit):
        at = _line(node, manifest.path, "") + offset if node is not None and manifest.path else line
        return Unreadable(line=at, why=manifest.seen, refused=_is_refused(value, manifest), do=manifest.do)
    return Located(manifest=manifest, line=line, document=part.line, node=node, offset=offset)


def _is_refused(value: object, unfit: Unfit) -> bool:
    """Whether it is meant as an object of Kubernetes' own, and no template, nor what objects are built of.

    Settings of its programs have a kind and no name: Kustomization, KubeProxyConfiguration, a kubeconfig.
    """
    fields = value if isinstance(value, dict) else {}
    metadata = fields.get("metadata")
    named = isinstance(metadata, dict) and bool(metadata.get("name"))
    meant = bool(fields.get("apiVersion")) and (
        is_known(str(fields.get("kind"))) or (named and bool(fields.get("kind")))
    )
    return meant and not is_custom(fields) and unfit.do not in (RENDER, BUILD)


def _nodes(node: Node) -> Iterator[Node]:
    """The nodes of the objects of a document, as `objects_of` finds them."""
    items = _field(node, "items")
    if items is None or not isinstance(items[1], Collection) or items[1].is_mapping:
        yield node
        return
    for item in items[1].children:
        yield from _nodes(item)


def _line(node: Node, path: str, container: str) -> int:
    """The line of the field, in the lines of the document."""
    line, at = node.line, _Step(node.line, node, path)
    while at.rest and (at := _step(at.node, at.rest, container) or _NOWHERE) is not _NOWHERE:
        line = at.line
    return line


@dataclass(frozen=True, slots=True)
class _Step:
    """What a path has led to, the line on which that begins, and the rest of the path."""

    line: int
    node: Node | None
    rest: str


_NOWHERE = _Step(0, None, "")


def _step(node: Node | None, path: str, container: str) -> _Step | None:
    """One step further; None where the path leads nowhere."""
    if not isinstance(node, Collection):
        return None
    if node.is_mapping:
        return _into_mapping(node, path, container)
    number, _, rest = path.removeprefix("[").partition("]")
    at = int(number) if number.isdecimal() else 0
    if not path.startswith("[") or at >= len(node.children):
        return None
    return _Step(node.children[at].line, node.children[at], rest.removeprefix("."))


def _into_mapping(node: Collection, path: str, container: str) -> _Step | None:
    """By the longest key with which the path begins: it may hold dots (an annotation's), or stand in brackets."""
    keys = [key.text for key, _ in node.pairs if isinstance(key, Scalar)]
    begins = [(key, f"[{key}]") if path.startswith(f"[{key}]") else (key, key) for key in keys]
    fits = [
        (key, way) for key, way in begins if path.startswith(way) and path[len(way) : len(way) + 1] in ("", ".", "[")
    ]
    if not fits:
        return None
    key, way = max(fits, key=lambda found: len(found[1]))
    rest = path[len(way) :].removeprefix(".")
    if rest.startswith("[]") and container and (item := _named(node, container)) is not None:
        return _Step(item.line, item, rest[2:].removeprefix("."))
    found = _field(node, key)
    return None if found is None else _Step(found[0].line, found[1], rest)


def _field(node: Node | None, name: str) -> tuple[Node, Node] | None:
    """Key and value of a mapping's field; the last of that name counts."""
    if not isinstance(node, Collection) or not node.is_mapping:
        return None
    found = [(key, value) for key, value in node.pairs if isinstance(key, Scalar) and key.text == name]
    return found[-1] if found else None


def _named(pod: Node | None, name: str) -> Node | None:
    """The container of that name in the node of a pod's spec."""
    for kind in ("containers", "initContainers"):
        listed = _field(pod, kind)
        for item in listed[1].children if listed is not None and isinstance(listed[1], Collection) else ():
            own = _field(item, "name")
            if own is not None and isinstance(own[1], Scalar) and own[1].text == name:
                return item
    return None
