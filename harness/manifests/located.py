"""The text of manifests -> its objects, each with the lines on which its fields stand; and what in it is none, and why.

Other than `harness.manifests.read` it goes on after what cannot be read: the rest is there all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import ManifestError
from harness.inputs.unfinished import RENDER, unfinished
from harness.inputs.yaml_nodes import Collection, Node, Scalar
from harness.manifests.kubectl_yaml import MeaningError, documents, located
from harness.manifests.read import Manifest, checked, objects_of
from harness.manifests.stream import Part, parts
from harness.spec.shape import is_known
from harness.spec.workload import is_custom

_YAML_ERROR = re.compile(r"(?:line \d+(?:, column \d+)?: )?it is not YAML that can be read here \((.*)\)", re.DOTALL)
_AT = re.compile(r" \(line \d+\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """An object. `line`: of its beginning; `document`: of its document's; both from 1."""

    manifest: Manifest
    line: int
    document: int
    node: Node | None
    offset: int  # of the document's lines in the text

    def line_of(self, path: str, container: str = "") -> int:
        """The line of the field, or of the innermost on the way to it that is there.

        `path`: "spec.template.spec.containers[].lifecycle"; `container`: the name of the one that is meant, which may
        be an init container; else the first.
        """
        return self._line_of(path, container) + self.offset if self.node is not None else self.line

    def _line_of(self, path: str, container: str) -> int:
        node, line = self.node, self.line - self.offset
        for name in path.split("."):
            key, _, is_list = name.partition("[")
            found = _field(node, key)
            if is_list and container and (item := _named(node, container)) is not None:
                node, line = item, item.line
                continue
            if found is None:
                break
            line, node = found[0].line, found[1]
            if is_list and isinstance(node, Collection) and node.children:
                node = node.children[0]
                line = node.line
        return line


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A document, or an object, that is none: where, and why. `refused`: it is meant as one, and kubectl refuses it;
    what is no manifest at all, or a template that is not rendered, is not."""

    line: int
    why: str
    refused: bool


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
        meant = documents(part.text)
    except MeaningError:
        known = unfinished(part.text, error.line)
        why = known.what if known else f"it is not YAML as kubectl reads it: {_without_place(str(error))}"
        line = known.line if known else error.line or 1
        yield Unreadable(line=line + part.line - 1, why=why, refused=known is None or known.do != RENDER)
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
    line = part.line + (node.line - 1 if node is not None else 0)
    try:
        (manifest,) = checked([value], tried="")
    except ManifestError as error:
        return Unreadable(line=line, why=error.seen.removeprefix("object 1 in "), refused=_is_refused(value, error))
    return Located(manifest=manifest, line=line, document=part.line, node=node, offset=part.line - 1)


def _is_refused(value: object, error: ManifestError) -> bool:
    """Whether it is meant as an object of Kubernetes' own, and no template.

    Settings of its programs have a kind and no name: Kustomization, KubeProxyConfiguration, a kubeconfig.
    """
    fields = value if isinstance(value, dict) else {}
    metadata = fields.get("metadata")
    named = isinstance(metadata, dict) and bool(metadata.get("name"))
    meant = bool(fields.get("apiVersion")) and (
        is_known(str(fields.get("kind"))) or (named and bool(fields.get("kind")))
    )
    return meant and not is_custom(fields) and error.do != RENDER


def _nodes(node: Node) -> Iterator[Node]:
    """The nodes of the objects of a document, as `objects_of` finds them."""
    items = _field(node, "items")
    if items is None or not isinstance(items[1], Collection) or items[1].is_mapping:
        yield node
        return
    for item in items[1].children:
        yield from _nodes(item)


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
