"""Turns the JSON objects of a result (propagation, sizing, statistics, load) into rows and tables of words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from harness.model.advice import Lags, Propagation
from harness.model.quantity import things
from harness.reporters.figures import count, interval

_UNITS: Final = (("per_s", "/s"), ("_ms", " ms"), ("_s", " s"), ("_bytes", " bytes"))
_INTERVAL: Final = {"earliest_s", "latest_s"}

Table = tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...], tuple[bool, ...]]
"""Title, headers, rows, and of each column whether it holds figures alone, which are read from the right."""


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
        if _is_interval(item):
            continue
        if isinstance(item, Mapping):
            found += tables(item, name)
        elif _is_table(item):
            keys = tuple(dict.fromkeys(str(key) for row in item for key in row))
            rows = tuple(tuple(_cell(row.get(key), key) for key in keys) for row in item)
            figures = tuple(all(_is_figure(row.get(key)) for row in item) for key in keys)
            found.append((name, tuple(_label(key)[0] for key in keys), rows, figures))
    return tuple(found)


def lags(found: Propagation | None) -> tuple[str, ...]:
    """How long removals and additions took: "removal lag: 0.61-1.02 s at most, of 9 pods; 1 untold"."""
    if found is None:
        return ()
    sides = (("removal", found.removal), ("addition", found.addition))
    return tuple(f"{name} lag: {_most(side)}" for name, side in sides if side.pods)


def _most(side: Lags) -> str:
    untold = [pod for pod in side.pods if pod.lag is None]
    why = ", ".join(dict.fromkeys(pod.note for pod in untold if pod.note))
    rest = f"{things(len(untold), 'pod')} without one{f' ({why})' if why else ''}"
    if side.max is None:
        return rest
    told = f"{interval(side.max.earliest_s, side.max.latest_s)}, the largest of {things(side.n, 'pod')}"
    return f"{told}; {rest}" if untold else told


def _is_figure(item: Any) -> bool:
    return item is None or (isinstance(item, int | float) and not isinstance(item, bool)) or _is_interval(item)


def _is_interval(item: Any) -> bool:
    return isinstance(item, Mapping) and set(item) == _INTERVAL


def _is_table(item: Any) -> bool:
    return isinstance(item, Sequence) and not isinstance(item, str) and any(isinstance(p, Mapping) for p in item)


def _rows(key: str, item: Any, prefix: str, unit: str) -> Iterable[tuple[str, str]]:
    name, own = _label(key)
    label = f"{prefix} {name}".strip()
    if isinstance(item, Mapping) and not _is_interval(item):
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
    if _is_interval(item):
        return interval(**item)
    if isinstance(item, Mapping):
        return ", ".join(f"{key}: {figure(part, unit)}" for key, part in item.items())
    if isinstance(item, float):
        return f"{item:,.4g}{unit}" if abs(item) < 1000 else f"{item:,.0f}{unit}"
    if isinstance(item, list | tuple):
        return ", ".join(figure(part, unit) for part in item)
    return f"{item}{unit}" if unit and not isinstance(item, str) else f"{item}"
