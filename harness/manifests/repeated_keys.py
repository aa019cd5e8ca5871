"""The texts of manifests -> the keys that stand twice in one mapping, with their lines.

kubectl, which makes JSON of a file before anybody looks at it, takes the last of them without a word (1.32: `kubectl
annotate --local`); `kubectl kustomize` refuses the file. Which was meant nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.errors import ManifestError
from harness.inputs.files import file_text
from harness.inputs.shown import shown
from harness.inputs.yaml_nodes import Collection, Node, Scalar, YamlError, compose

MERGE = "<<"


def repeated_keys(paths: Iterable[Path]) -> Iterator[str]:
    """A sentence for each of them in these files, in order.

    Raises:
        ManifestError: a file cannot be read any more.
    """
    for path in dict.fromkeys(paths):
        for key, first, again in repeated(file_text(path, error=ManifestError)):
            yield (
                f"{path}, line {again}: the key {shown(key)} stands in line {first} already; the last one counts, as "
                "for kubectl apply -f (kubectl apply -k refuses it)"
            )


def repeated(text: str) -> Iterator[tuple[str, int, int]]:
    """Each key that was there before in its mapping: its text, the line of the one before, and its own.

    >>> list(repeated("a: 1\\nb: {c: 1, c: 2}\\na: 3\\n"))
    [('c', 2, 2), ('a', 1, 3)]
    """
    try:
        roots = compose(text)
    except YamlError:  # whose reader tells it
        return
    yield from repeated_in(roots)


def repeated_in(roots: Iterable[Node]) -> Iterator[tuple[str, int, int]]:
    """The same of nodes."""
    seen: set[int] = set()
    found = (each for root in roots for each in _below(root, seen))
    yield from sorted(found, key=lambda each: (each[2], each[1]))


def _below(root: Node, seen: set[int]) -> Iterator[tuple[str, int, int]]:
    """`seen`: the collections that were looked at, for an alias is the node it stands for."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, Collection) or id(node) in seen:
            continue
        seen.add(id(node))
        waiting += node.children
        lines: dict[str, int] = {}
        for key, _ in node.pairs if node.is_mapping else ():
            if not isinstance(key, Scalar) or (key.plain and key.text == MERGE):
                continue
            if key.text in lines:
                yield key.text, lines[key.text], key.line
            lines[key.text] = key.line
