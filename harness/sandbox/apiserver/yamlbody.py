"""A request's body in YAML, of which JSON is a part -> the value in it, and what of it was said twice."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from harness.sandbox.apiserver import jsonbody
from harness.sandbox.apiserver.requests import DEEPEST, deeper_than

_LONE = re.compile("[\ud800-\udfff]")
_MOST_NODES = 1_000_000


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: a date is text, and each key counts once."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.twice: list[str] = []


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    loader.flatten_mapping(node)
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise ValueError(f"line {key_node.start_mark.line + 1}: a key of a map is a scalar")
        key = loader.construct_object(key_node, deep=True)
        name = key if isinstance(key, str) else json.dumps(key, default=str)
        if name in found:
            loader.twice.append(f'line {key_node.start_mark.line + 1}: key "{name}" already set in map')
        found[name] = loader.construct_object(value_node, deep=True)
    return found


# Neither dates nor, as in 10:30, numbers to the base of sixty: both are text.
_TEXT = {"tag:yaml.org,2002:timestamp": r"", "tag:yaml.org,2002:int": r":", "tag:yaml.org,2002:float": r":"}
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, re.compile(f"(?!.*{_TEXT[tag]})(?:{rule.pattern})", rule.flags) if tag in _TEXT else rule)
        for tag, rule in rules
    ]
    for first, rules in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def loads(raw: bytes) -> tuple[Any, list[str]]:
    """The value, and a sentence where keys stand twice. Raises: ValueError where the body is neither JSON nor YAML."""
    try:
        value, found = jsonbody.parsed(raw)
        twice = [f'line 1: key "{key}" already set in map' for _, key in found]
    except (ValueError, RecursionError):
        value, twice = _of_yaml(raw)
    if deeper_than(value, DEEPEST):
        raise ValueError(f"the body is nested more than {DEEPEST} levels deep")
    text = json.dumps(value, ensure_ascii=False)
    if _LONE.search(text):
        value = json.loads(_LONE.sub("\ufffd", text))
    if not twice:
        return value, []
    return value, ["error converting YAML to JSON: yaml: unmarshal errors:\n  " + "\n  ".join(twice)]


def _of_yaml(raw: bytes) -> tuple[Any, list[str]]:
    loader = None
    try:
        _check_size(raw)
        loader = _Loader(raw)
        value = loader.get_single_data()
        json.dumps(
            value, allow_nan=False
        )  # what JSON cannot say (bytes, sets, not-a-number) is refused with its reason
        return value, loader.twice
    except yaml.YAMLError as error:
        raise ValueError(f"error converting YAML to JSON: yaml: {_why(error)}") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"error converting YAML to JSON: {error}") from None
    finally:
        if loader is not None:
            loader.dispose()


def _check_size(raw: bytes) -> None:
    """Looks at the parts only: what nests too deep, or what its aliases make too much of. Raises: ValueError."""
    open_sizes, anchors, open_anchors = [0], dict[str, int](), list[str | None]()
    for event in yaml.parse(raw, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_sizes.append(1)
            open_anchors.append(event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            size, anchor = open_sizes.pop(), open_anchors.pop()
            open_sizes[-1] += size
            if anchor is not None:
                anchors[anchor] = size
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor in open_anchors:
                raise ValueError(f"anchor '{event.anchor}' value contains itself")
            open_sizes[-1] += anchors.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            open_sizes[-1] += 1
            if event.anchor is not None:
                anchors[event.anchor] = 1
        if len(open_sizes) > DEEPEST + 1:
            raise ValueError(f"the body is nested more than {DEEPEST} levels deep")
        if open_sizes[-1] > _MOST_NODES:
            raise ValueError("document contains excessive aliasing")


def _why(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)
