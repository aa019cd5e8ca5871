"""A value and the shape that it should have -> where it has another, in words: lists for maps, text for numbers, null.

A shape is a `Kind`, a mapping of keys to shapes ("key!" must be there; keys that it does not name may be anything), or
a list of the one shape that all items have. In a mapping null is absent, as for Kubernetes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.inputs.shown import cut, printable, shown


@dataclass(frozen=True, slots=True)
class Kind:
    """A scalar, or a mapping of any keys: what it is called, and whether a value is one."""

    words: str
    fits: Callable[[Any], bool]
    values: Any = None  # the shape of a mapping's values, whatever its keys
    how: Callable[[Any], str] = lambda _: ""  # how a value that does not fit may have come about, as an aside


@dataclass(frozen=True, slots=True)
class Misfit:
    """One place that is not as it should be: "spec.ports[0] is '80' (text), where a mapping is wanted"."""

    path: str
    found: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.path} {self.found}, where {self.wanted} is wanted"


Shape = Kind | Mapping[str, Any] | list[Any]


def is_whole(value: Any, least: int, most: int) -> bool:
    """Whether it is a whole number in [least, most]; `true` is none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_number(value: Any) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -math.inf < value < math.inf


MOST = 2**31 - 1
"""Kubernetes' counts are of 32 bits."""

ANY = Kind("anything", lambda _: True)


def unquoted(value: Any) -> str:
    """How what should be text may have become something else: https://yaml.org/type/bool.html, as kubectl reads it.

    >>> unquoted(False), unquoted(1.29)
    (', as YAML reads n, no and off without quotes', ', a number without quotes')
    """
    if isinstance(value, bool):
        return f", as YAML reads {'y, yes and on' if value else 'n, no and off'} without quotes"
    return ", a number without quotes" if isinstance(value, int | float) else ""


def too_large(value: Any) -> str:
    """Of a whole number that is beyond what Kubernetes counts to, that it is."""
    return f", more than {MOST}" if is_whole(value, MOST + 1, 2**1024) else ""


TEXT = Kind("text", lambda value: isinstance(value, str), how=unquoted)
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
NUMBER = Kind("a number", is_number)
COUNT = Kind("a whole number from 0 on", lambda value: is_whole(value, 0, MOST), how=too_large)
INTEGER = Kind("a whole number", lambda value: is_whole(value, -(2**63), 2**63 - 1))


def map_of(values: Shape) -> Kind:
    """A mapping whose values all have one shape."""
    return Kind("a mapping", lambda value: isinstance(value, dict), values)


def fitting(shape: Shape) -> Callable[[Any], bool]:
    """Whether a value has no misfit, asked fast: of each event of a recording, nearly all of which have none."""
    if isinstance(shape, Kind):
        return shape.fits if shape.values is None else _fitting_map(shape, fitting(shape.values))
    if isinstance(shape, list):
        item = fitting(shape[0])
        return lambda value: isinstance(value, list) and all(map(item, value))
    return _fitting_keys(shape)


def _fitting_map(kind: Kind, inner: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: kind.fits(value) and all(one is None or inner(one) for one in value.values())


def _fitting_keys(shape: Mapping[str, Any]) -> Callable[[Any], bool]:
    needed = [name.removesuffix("!") for name in shape if name.endswith("!")]
    known = {name.removesuffix("!"): fitting(inner) for name, inner in shape.items()}

    def fits(value: Any) -> bool:
        if not isinstance(value, dict) or any(value.get(key) is None for key in needed):
            return False
        return all((inner := known.get(key)) is None or found is None or inner(found) for key, found in value.items())

    return fits


def misfits(value: Any, shape: Shape, path: str = "") -> Iterator[Misfit]:
    """Each place of the value that has not its shape; what is below one is not looked at."""
    return _misfits(value, shape, (path,))


Place = tuple[str | int, ...]
"""Where a value stands: the path that was given, then keys and positions. Nearly all values have their shape, and a
recording has a hundred thousand of them, so a place is put into words where one has not."""


def _misfits(value: Any, shape: Shape, at: Place) -> Iterator[Misfit]:
    if isinstance(shape, Kind):
        yield from _of_kind(value, shape, at)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield misfit(at, value, "a list")
            return
        for number, item in enumerate(value):
            yield from _misfits(item, shape[0], (*at, number))
    elif not isinstance(value, dict):
        yield misfit(at, value, "a mapping")
    else:
        yield from _of_keys(value, shape, at)


def _of_kind(value: Any, kind: Kind, at: Place) -> Iterator[Misfit]:
    if not kind.fits(value):
        yield misfit(at, value, kind.words, kind.how(value))
    elif kind.values is not None:
        for key, inner in value.items():
            if inner is not None:
                yield from _misfits(inner, kind.values, (*at, str(key)))


def _of_keys(value: dict[str, Any], shape: Mapping[str, Any], at: Place) -> Iterator[Misfit]:
    for name, inner in shape.items():
        key = name.removesuffix("!")
        found = value.get(key)
        if found is None:
            if key != name:
                yield Misfit(_path((*at, key)), "is missing", _words(inner))
        elif not isinstance(inner, Kind) or inner.values is not None:
            yield from _misfits(found, inner, (*at, key))
        elif not inner.fits(found):
            yield misfit((*at, key), found, inner.words, inner.how(found))


def misfit(at: Place, value: Any, wanted: str, how: str = "") -> Misfit:
    """The misfit of a value in its words; `how` it may have come about, as an aside."""
    return Misfit(_path(at) or "it", f"is {_found(value)}{how}", wanted)


def _path(at: Place) -> str:
    path, *parts = at
    for part in parts:
        path = f"{path}[{part}]" if isinstance(part, int) else _below(str(path), part)
    return str(path)


def _found(value: Any) -> str:
    if isinstance(value, dict):
        if not value:
            return "an empty mapping"
        return f"a mapping ({cut(printable(', '.join(map(str, value))), 60)})"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{shown(value)} (text)" if isinstance(value, str) else shown(value)


def _words(shape: Shape) -> str:
    if isinstance(shape, Kind):
        return shape.words
    return "a list" if isinstance(shape, list) else "a mapping"


def _below(path: str, key: str) -> str:
    name = cut(printable(key), 80)
    return f"{path}.{name}" if path else name
