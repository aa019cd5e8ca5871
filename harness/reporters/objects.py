"""Turns the JSON objects of a result (propagation, sizing, statistics, load) into rows and tables of words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from harness.reporters.figures import count

_UNITS: Final = (("per_s", "/s"), ("_ms", " ms"), ("_s", " s"), ("_bytes", " bytes"))

Table = tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]
"""Title, headers, rows."""


def flat(value: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """A JSON object as rows of (label, figure with unit): {"removal": {"p99_s": 0.4}} -> (("removal p99", "0.4 s"),).

    The unit is taken from the end of a key, as everywhere in the run directory, and holds for the fractions below it.
    Objects are walked; lists of plain values are one row; what is empty or null, and lists of objects, are left out.
    """
    return tuple(row for key, item in value.items() for row in _rows(key, item, "", ""))


def tables(value: Mapping[str, Any], title: str = "") -> tuple[Table, ...]:
    """Every list of objects in a JSON object as a table, with the keys of its first object as headers."""
    found: list[Table] = []
    for key, item in value.items():
        name = f"{title} {_label(key)[0]}".strip()
        if isinstance(item, Mapping):
            found += tables(item, name)
        elif _is_table(item):
            keys = tuple(dict.fromkeys(str(key) for row in item for key in row))
            rows = tuple(tuple(_cell(row.get(key), key) for key in keys) for row in item)
            found.append((name, tuple(_label(key)[0] for key in keys), rows))
    return tuple(found)


def _is_table(item: Any) -> bool:
    return isinstance(item, Sequence) and not isinstance(item, str) and any(isinstance(p, Mapping) for p in item)


def _rows(key: str, item: Any, prefix: str, unit: str) -> Iterable[tuple[str, str]]:
    name, own = _label(key)
    label = f"{prefix} {name}".strip()
    if isinstance(item, Mapping):
        for inner, part in item.items():
            yield from _rows(inner, part, label, own or unit)
    elif item not in (None, "", [], ()) and not _is_table(item):
        yield label, figure(item, own or ("" if isinstance(item, int) else unit))


def _label(key: str) -> tuple[str, str]:
    """A key in words, and the unit at its end."""
    for end, unit in _UNITS:
        if key.endswith(end):
            return key.removesuffix(end).strip("_").replace("_", " "), unit
    return key.replace("_", " ").strip(), ""


def _cell(item: Any, key: str) -> str:
    if key == "rollout" and isinstance(item, int):
        return count(item + 1)  # files count rollouts from 0, people from 1
    return "" if item is None else figure(item, _label(key)[1])


def figure(item: Any, unit: str) -> str:
    """A plain value in words, with its unit."""
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, int):
        return count(item) + unit
    if isinstance(item, float):
        return f"{item:,.4g}{unit}" if abs(item) < 1000 else f"{item:,.0f}{unit}"
    if isinstance(item, list | tuple):
        return ", ".join(figure(part, unit) for part in item)
    return f"{item}{unit}" if unit and not isinstance(item, str) else f"{item}"
