"""Turns the JSON objects of a result (propagation, sizing, statistics, load) into rows and tables of words."""

from collections.abc import Mapping
from typing import Any, Final

from harness.model.lags import Lags, Propagation
from harness.model.quantity import things
from harness.reporters.figures import count, interval

_UNITS: Final = (("per_s", "/s"), ("_ms", " ms"), ("_s", " s"), ("_bytes", " bytes"))
_INTERVAL: Final = {"earliest_s", "latest_s"}


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


def _is_interval(item: Any) -> bool:
    return isinstance(item, Mapping) and set(item) == _INTERVAL


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
