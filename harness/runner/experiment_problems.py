"""What pydantic refuses of an experiment -> the words for whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from harness.inputs.shown import near, shown
from harness.model.experiment_keys import keys_at, place_of
from harness.model.quantity import things

_TELLING = {"value_error": 2, "extra_forbidden": 1}
_QUOTED = re.compile(r"'([^']+)'")

PATTERN_WORDS = {
    r"^/[^\s#\x00-\x1f\x7f]*$": "it must begin with / and hold no spaces, control characters or #",
    r"^[A-Za-z0-9-]+$": "a header's name has letters, digits and - only",
    r"^(deployment|statefulset)/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$": "it must be deployment/NAME or statefulset/NAME",
    r"^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$": "a name has up to 52 lower-case letters, digits and -, no - at its ends",
    r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$": "a name has up to 63 lower-case letters, digits and -, no - at its ends",
    r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$": "a name has lower-case letters, digits, - and ., and begins and ends with a "
    "letter or digit",
    r"^([a-z0-9.-]+/)?[a-z0-9.-]+$": "it must be the name of a Service, or NAMESPACE/NAME",
    r"^[a-z0-9]([a-z0-9.-]{0,48}[a-z0-9])?$": "a name has up to 50 lower-case letters, digits, - and .; at its ends a "
    "letter or digit",
    r"^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$": "it must be a host name, such as shop.example.com",
    r"^\S+$": "an image's name holds no spaces",
    r"^[A-Za-z0-9][A-Za-z0-9._/:@-]*$": "it is not the name of an image, such as shop:1.2",
}
"""The regular expressions of an experiment's texts, as people say them."""

_KIND_WORDS = {
    "tuple_type": "input should be a list, such as [a, b]",
    "list_type": "input should be a list, such as [a, b]",
    "dict_type": "input should be a mapping, such as {key: value}",
    "model_type": "input should be a mapping, such as {key: value}",
    "model_attributes_type": "input should be a mapping, such as {key: value}",
    "path_type": "input should be the path of a file",
}
"""What pydantic says in the words of Python, in those of YAML."""

_FEWEST = re.compile(r"(?P<bound>at least|at most) (?P<number>\d+) item")


def fit(problem: Any, keys: Sequence[int | str]) -> tuple[int, int]:
    """How well a problem fits what the writer meant, where pydantic reports each kind that a key may be of.

    The best is the one that lies deepest, and is one of the value rather than of its type.
    """
    kind = problem["type"]
    return len(keys), -1 if kind in _KIND_WORDS else _TELLING.get(kind, 0)


def best_fitting(error: ValidationError, value: Mapping[str, Any]) -> tuple[list[int | str], str]:
    """The keys of `value` that lead to what is refused, and why it is: of several problems the best fitting one."""
    found = []
    for problem in error.errors(include_url=False, include_context=False):
        keys = _keys(problem["loc"], value, missing=problem["type"] == "missing")
        found.append((fit(problem, keys), keys, expected(problem, keys)))
    _, keys, words = max(found, key=lambda one: one[0])
    return keys, words


def _keys(loc: tuple[int | str, ...], value: Any, *, missing: bool) -> list[int | str]:
    """Without the names of a union's branches, which pydantic puts in between, and with the key that is missing."""
    keys: list[int | str] = []
    for part in loc:
        inside = part in value if isinstance(value, Mapping) else isinstance(part, int) and isinstance(value, list)
        if inside:
            keys.append(part)
            value = value[part]
    return [*keys, loc[-1]] if missing else keys


def _meant(key: str, where: Sequence[int | str]) -> str:
    """What may have been meant: a key of that place which is spelt nearly so, or one of that name at another place."""
    spelt, place = near(key, keys_at(where)), place_of(key)
    if not place:
        return spelt
    return f"{spelt.removesuffix('?')}, or {place}?" if spelt else f"; {place} is one"


def expected(problem: Any, keys: Sequence[int | str]) -> str:
    """What was expected there, as the end of a sentence."""
    kind, message, given = problem["type"], str(problem["msg"]), problem.get("input")
    if kind == "string_pattern_mismatch":
        for pattern, words in PATTERN_WORDS.items():
            if message.endswith(f"'{pattern}'"):
                return f"{words}, not {shown(given)}"
    if kind == "extra_forbidden":
        return f"there is no such key{_meant(str(keys[-1]), keys[:-1])}"
    if kind == "missing":
        return "it is missing"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if bound := _FEWEST.search(message):
        return f"it must have {bound['bound']} {things(int(bound['number']), 'item')}"
    message = _KIND_WORDS.get(kind, message[0].lower() + message[1:])
    if given is None:
        return f"it is null (empty), where a value is needed: {message}"
    if isinstance(given, str):
        return f"{message}, not {shown(given)}{near(given, _QUOTED.findall(message))}"
    if isinstance(given, int | float):
        return f"{message}, not {shown(given)}"
    return f"{message}, not {'a mapping' if isinstance(given, dict) else 'a list'}"
