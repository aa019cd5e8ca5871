"""Turns the JSON objects of a result (propagation, sizing, statistics, load) into rows and tables of words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from harness.model.advice import Lags, Propagation, Setting, Sizing, as_object
from harness.reporters.figures import count, interval, things

_UNITS: Final = (("per_s", "/s"), ("_ms", " ms"), ("_s", " s"), ("_bytes", " bytes"))
_OF_THE_MANIFEST: Final = ("prestop_s", "min_ready_s", "grace_s", "progress_deadline_s")
_INTERVAL: Final = {"earliest_s", "latest_s"}
_SETTINGS: Final = {
    "prestop_s": "preStop",
    "min_ready_s": "minReadySeconds",
    "grace_s": "terminationGracePeriodSeconds",
    "progress_deadline_s": "progressDeadlineSeconds",
    "ci_time_limit_s": "time limit in CI",
    "predicted_rollout_s": "a rollout takes (predicted)",
}

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
        if _is_interval(item):
            continue
        if isinstance(item, Mapping):
            found += tables(item, name)
        elif _is_table(item):
            keys = tuple(dict.fromkeys(str(key) for row in item for key in row))
            rows = tuple(tuple(_cell(row.get(key), key) for key in keys) for row in item)
            found.append((name, tuple(_label(key)[0] for key in keys), rows))
    return tuple(found)


def advice(sizing: Sizing | None) -> tuple[tuple[str, str, str, str], ...]:
    """(setting, what it has, what it needs, why) of every setting; where the manifest does not say, it has "none"."""
    if sizing is None:
        return ()
    settings = _settings(sizing, *_OF_THE_MANIFEST, "ci_time_limit_s")
    rows = ((_SETTINGS[key], _seconds(one.have), _seconds(one.need), _why(one)) for key, one in settings)
    predicted = sizing.predicted_rollout_s
    took = f"{things(predicted.replicas, 'replica')}, {things(predicted.steps, 'step')}"
    name = _SETTINGS["predicted_rollout_s"]
    return (*rows, (name, _seconds(predicted.have), _seconds(predicted.need), took))


def _why(setting: Setting) -> str:
    return setting.why if setting.advised else f"{setting.why}; it would have saved none of the requests that were lost"


def changes(sizing: Sizing | None) -> tuple[str, ...]:
    """What must be set in the manifest for the rollouts to hold: "strategy: RollingUpdate", "preStop 5 s"."""
    if sizing is None:
        return ()
    settings = _settings(sizing, *_OF_THE_MANIFEST)
    raised = (f"{_SETTINGS[key]} {_seconds(one.need)}" for key, one in settings if one.must_rise)
    return (*sizing.cure, *raised)


def _settings(sizing: Sizing, *keys: str) -> tuple[tuple[str, Setting], ...]:
    """The settings of those names; one that the workload has not is left out."""
    return tuple((key, found) for key in keys if (found := getattr(sizing, key)) is not None)


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


def remarks(sizing: Sizing | None) -> dict[str, Any]:
    """What `advice` leaves of `sizing`."""
    return {key: item for key, item in as_object(sizing).items() if key not in _SETTINGS}


def _seconds(value: Any) -> str:
    return "none" if value is None else _figure(value, " s")


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
        yield label, _figure(item, own or ("" if isinstance(item, int) else unit))


def _label(key: str) -> tuple[str, str]:
    """A key in words, and the unit at its end."""
    for end, unit in _UNITS:
        if key.endswith(end):
            return key.removesuffix(end).strip("_").replace("_", " "), unit
    return key.replace("_", " ").strip(), ""


def _cell(item: Any, key: str) -> str:
    if key == "rollout" and isinstance(item, int):
        return count(item + 1)  # files count rollouts from 0, people from 1
    return "" if item is None else _figure(item, _label(key)[1])


def _figure(item: Any, unit: str) -> str:
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, int):
        return count(item) + unit
    if _is_interval(item):
        return interval(**item)
    if isinstance(item, Mapping):
        return ", ".join(f"{key}: {_figure(part, unit)}" for key, part in item.items())
    if isinstance(item, float):
        return f"{item:,.4g}{unit}" if abs(item) < 1000 else f"{item:,.0f}{unit}"
    if isinstance(item, list | tuple):
        return ", ".join(_figure(part, unit) for part in item)
    return f"{item}{unit}" if unit and not isinstance(item, str) else f"{item}"
