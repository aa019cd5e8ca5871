"""The text of manifests and a change of their objects -> the text with that change, and everything else as it stands.

A document in which nothing changes is not touched by a byte. Where something does, only the lines of the change are
written, indented as most of the document is.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import LiteralScalarString, SingleQuotedScalarString

from harness.manifests.as_applied import without_nulls
from harness.manifests.kubectl_yaml import MeaningError, documents, is_more
from harness.manifests.objects import is_list, meaning, objects_of
from harness.manifests.read import Manifest, checked
from harness.manifests.stream import parts
from harness.manifests.style import Indents, indents, spliced

_SURE = {
    first: [("tag:yaml.org,2002:" + kind, re.compile(rf"(?:{pattern})\Z"))]
    for kind, pattern, firsts in (
        ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
        ("bool", r"true|false", ("t", "f")),
        ("int", r"0|-?[1-9][0-9]*", "-0123456789"),
        ("merge", r"<<", ("<",)),
    )
    for first in firsts
}

ANEW = "# Written anew, without its comments and aliases: in them the change could not be made.\n"
"""The first line of a document that is."""

Change = Callable[[Manifest], Manifest]


def rewritten(text: str, change: Change, *, tried: str) -> str:
    """The text with `change` applied to each object, which it is given as kubectl reads it, null absent.

    Raises:
        ManifestError: it is not YAML, or holds something that is no Kubernetes object, or nothing at all.
    """
    return "".join(part.text if part.parts else _document(part.text, change, tried) for part in parts(text))


def _document(text: str, change: Change, tried: str) -> str:
    meant = meaning(text, tried=tried)
    objects = (item for document in meant if document is not None for item in objects_of(document))
    before = checked(objects, text, tried=tried)
    after = [change(each) for each in before]
    if before == after:
        return text
    if (json_ := _as_json(text, before, after)) is not None:
        return json_
    kept = _with_its_comments(text, before, after)
    return kept if kept is not None else _anew(text, before, after)


def _as_json(text: str, before: list[Manifest], after: list[Manifest]) -> str | None:
    """What is JSON stays it; None where the text is none."""
    try:
        written = json.loads(text)
    except ValueError:
        return None
    for each, old, new in zip(_items(written), before, after, strict=True):
        _change(each, old, new)
    return json.dumps(written, indent=2 if "\n" in text.strip() else None, ensure_ascii=False) + "\n"


def _with_its_comments(text: str, before: list[Manifest], after: list[Manifest]) -> str | None:
    """The text with the difference between the two; None where that cannot be had."""
    text += "" if text.endswith("\n") else "\n"
    try:
        written = list(_yaml().load_all(text))
        style = indents(written)
        same = _dumped(list(_yaml().load_all(text)), style)
        objects = [item for document in written if document is not None for item in _items(document)]
        for each, old, new in zip(objects, before, after, strict=True):
            _change(each, old, new)
        changed = _dumped(written, style)
        found = (spliced(text, same, changed), changed)
        return next((each for each in found if each is not None and _means(each, after)), None)
    except Exception:  # ruamel.yaml refuses, or takes otherwise, some of what libyaml reads, each in ways of its own
        return None


def _anew(text: str, before: list[Manifest], after: list[Manifest]) -> str:
    """What the text means, written anew: a change of one thing that an alias stands for twice, for instance."""
    meant = [document for document in documents(text) if document is not None]
    objects = [item for document in meant for item in _items(document)]
    for each, old, new in zip(objects, before, after, strict=True):
        _change(each, old, new)
    anew = ANEW + _dumped([_scalars(document) for document in meant], Indents())
    assert _means(anew, after)
    return anew


def _dumped(documents_: list[Any], style: Indents) -> str:
    text, yaml = io.StringIO(), _yaml()
    yaml.indent(mapping=style.mapping, sequence=style.sequence, offset=style.offset)
    yaml.dump_all(documents_, text)
    return text.getvalue()


def _means(text: str, wanted: list[Manifest]) -> bool:
    """Whether the text means what was wanted: aliases and merges may stand in the way."""
    try:
        meant = documents(text)
    except MeaningError:
        return False
    return [without_nulls(item) for each in meant if each is not None for item in objects_of(each)] == wanted


def _items(document: Any) -> Iterator[Any]:
    if is_list(document):
        for item in document["items"] or ():
            yield from _items(item)
    else:
        yield document


def _change(written: Any, old: Any, new: Any) -> None:
    """Make in what is written the difference between the old and the new, mappings or lists of one length."""
    if isinstance(new, list):
        pairs: list[tuple[Any, Any, Any]] = [(place, old[place], new[place]) for place in range(len(new))]
    else:
        pairs = [(name, old.get(name), value) for name, value in new.items()]
        for gone in old.keys() - new.keys():
            del written[gone]
    for place, before, after in pairs:
        if before == after:
            continue
        if _alike(before, after):
            _change(written[place], before, after)
        else:
            written[place] = _scalars(after)


def _alike(old: Any, new: Any) -> bool:
    """Whether one can be made into the other piece by piece."""
    lists = isinstance(old, list) and isinstance(new, list) and len(old) == len(new)
    return lists or (isinstance(old, dict) and isinstance(new, dict))


def _scalars(new: Any) -> Any:
    """What is new, with its texts written so that they stay texts."""
    if isinstance(new, dict):
        return {name: _scalars(value) for name, value in new.items()}
    if isinstance(new, list):
        return [_scalars(item) for item in new]
    if isinstance(new, str):
        return LiteralScalarString(new) if "\n" in new else SingleQuotedScalarString(new) if is_more(new) else new
    return new


class _Resolver(VersionedResolver):
    """Takes for more than text only what is written the same when it is written again."""

    @property
    def versioned_resolver(self) -> dict[str, list[tuple[str, re.Pattern[str]]]]:
        return _SURE


class _Constructor(RoundTripConstructor):
    """Of a key that comes twice the last counts."""

    def check_mapping_key(self, node: Any, key_node: Any, mapping: Any, key: Any, value: Any) -> bool:
        mapping.pop(key, None)
        return True


def _yaml() -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.Resolver, yaml.Constructor = _Resolver, _Constructor
    yaml.preserve_quotes = True
    yaml.brace_single_entry_mapping_in_flow_sequence = True  # without them it is no JSON, and other than it was
    yaml.width = 1_000_000  # lines stay as long as they are
    return yaml
