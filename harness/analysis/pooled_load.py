"""The control windows and the load of several runs -> those of all of them together.

Counts add up, and so does the time. Of delays and latencies only the slowest run's can be told without the requests
themselves: all of them were as quick, or quicker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

from harness.model.result import Latency, StreamCount, Window

_COUNTS = ("requests", "unsent", "unfinished")


def summed(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """The numbers of each name added up, the largest first."""
    total: dict[str, int] = {}
    for count in counts:
        for name, number in count.items():
            total[name] = total.get(name, 0) + number
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def added(parts: Iterable[Any], name: str) -> int:
    """One count of all of them."""
    return sum(map(attrgetter(name), parts))


def pooled_control(windows: Sequence[Window]) -> Window | None:
    """One control window as long as all of them; it begins where the first one does. None: no run had any."""
    if not windows:
        return None
    return Window(
        start=windows[0].start,
        end=windows[0].start + sum(window.end - window.start for window in windows),
        requests=added(windows, "requests"),
        failed=added(windows, "failed"),
        unsent=added(windows, "unsent"),
        streams=_streams(windows),
        by_outcome=summed(window.by_outcome for window in windows),
        by_cause=summed(window.by_cause for window in windows),
        latency=_slowest(window.latency for window in windows),
    )


def pooled_load(loads: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The facts of `load_health` of several runs: schedules were kept where every one was."""
    known = [load for load in loads if load]
    if not known:
        return {}
    total = dict(known[0]) | {name: sum(load[name] for load in known) for name in _COUNTS if name in known[0]}
    lags = [load["lag_ms"] for load in known]
    total["lag_ms"] = {name: _most_ms(lags, name) for name in lags[0]}
    total["per_s"] = _rates([load["per_s"] for load in known])
    if cpu := [load["cpu_max"] for load in known if "cpu_max" in load]:
        total["cpu_max"] = max(cpu)
    total["why"] = next(filter(None, map(itemgetter("why"), known)), "")
    return total | {"kept_schedule": all(load["kept_schedule"] for load in known)}


def _most_ms(lags: Sequence[dict[str, float | None]], name: str) -> float | None:
    """The largest delay of that name; None where no run knows it."""
    return max((lag for each in lags if (lag := each[name]) is not None), default=None)


def _streams(windows: Iterable[Window]) -> tuple[StreamCount, ...]:
    parts: dict[str, list[StreamCount]] = {}
    for stream in chain.from_iterable(window.streams for window in windows):
        parts.setdefault(stream.stream, []).append(stream)
    return tuple(_stream(name, counts) for name, counts in parts.items())


def _stream(name: str, parts: Sequence[StreamCount]) -> StreamCount:
    return StreamCount(
        stream=name,
        requests=added(parts, "requests"),
        failed=added(parts, "failed"),
        unsent=added(parts, "unsent"),
        latency=_slowest(part.latency for part in parts),
    )


def _slowest(latencies: Iterable[Latency | None]) -> Latency | None:
    return max((each for each in latencies if each is not None), key=lambda each: each.p99_ms, default=None)


def _rates(runs: Sequence[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """A second of each run, one after the other: the mean rate of those that had the stream."""
    names = dict.fromkeys(name for rates in runs for name in rates)
    return {
        name: {
            key: round(
                sum(rates[name][key] for rates in runs if name in rates) / sum(name in rates for rates in runs), 3
            )
            for key in ("planned", "sent")
        }
        for name in names
    }
