"""Turns one rollout into the rows that its picture is drawn from: times in seconds after the update."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from harness.model.race import LostRequest, PodRace, Race
from harness.model.result import Outage
from harness.reporters.escaping import label, visible
from harness.reporters.figures import count, number_ms
from harness.reporters.palette import outcome_colour, outcome_rank, stream_colours
from harness.reporters.pod_spans import DATA_PLANE, ROWS, pod_spans
from harness.reporters.race_words import Kind, gaps

Rows = dict[str, list[dict[str, Any]]]

EMPTY: Final[Rows] = {name: [] for name in ("spans", "gaps", "marks", "outcomes", "latency", "load", "lost", "outages")}
PAPER: Final = "var(--paper, #ffffff)"
ANSWERED: Final = "var(--answered, #c5ccd6)"
IS: Final = {
    "starting": (PAPER, "var(--is, #0072b2)"),
    "listening": ("var(--is-listening, #b8d9ec)", "var(--is, #0072b2)"),
    "never listening": (PAPER, "var(--race, #d55e00)"),
    "serving": ("var(--is, #0072b2)", "var(--is, #0072b2)"),
    "told to stop": ("var(--is-told, #6fb1d6)", "var(--is, #0072b2)"),
    "closing": ("var(--closing, #7d8793)", "var(--closing, #7d8793)"),
}
SAYS: Final = {
    "not ready": (PAPER, "var(--says, #007a5a)"),
    "ready": ("var(--says-ready, #a9dccb)", "var(--says, #007a5a)"),
    "in the EndpointSlice": ("var(--says, #007a5a)", "var(--says, #007a5a)"),
    "terminating": ("var(--terminating, #a3acb8)", "var(--terminating, #a3acb8)"),
}
FINDS: Final = {
    "not found healthy": (PAPER, "var(--finds, #b3589a)"),
    "found healthy": ("var(--finds, #b3589a)", "var(--finds, #b3589a)"),
}
DOES: Final = {
    "sends": ("var(--does, #7a5195)", "var(--does, #7a5195)"),
    "may send": ("var(--does-maybe, #d3c2de)", "var(--does, #7a5195)"),
}
COLOURS: Final = {
    Kind.LATE: "var(--lag, #f0c566)",
    Kind.RACE: "var(--race, #d55e00)",
    Kind.MAYBE: "var(--race-maybe, #f2b48c)",
}

_ROOM: Final = 0.68
_MARKS: Final = {"update": "update", "complete": "API: complete", "settled": "old pods gone"}


def race_rows(race: Race, outages: Sequence[Outage]) -> Rows:
    """Every dataset of the picture by its name; `outages` are drawn where not every lost request is."""
    streams = stream_colours(beat.stream for beat in race.beats)
    return {
        "spans": [row for at, pod in enumerate(race.pods) for row in _pod(pod, at, race)],
        "gaps": [row for at, pod in enumerate(race.pods) for row in _gaps(pod, at, race)],
        "marks": list(_marks(race)),
        "outcomes": list(_outcomes(race)),
        "latency": list(_latency(race, streams)),
        "load": list(_load(race, streams)),
        "lost": [_lost(lost, at, race) for at, lost in enumerate(race.lost)],
        "outages": [_outage(one, race) for one in outages] if len(race.lost) < race.failed else [],
    }


_COLOURS: Final = dict(zip(ROWS, (IS, SAYS, FINDS, DOES), strict=True))


def _row(pod: PodRace, at: int, row: str) -> str:
    """The lane of one of a pod's rows; the first has its name."""
    place = ROWS.index(row)
    return _lane(at, "abcd"[place], row if place else pod.name)


def _lane(at: int, row: str, name: str) -> str:
    """A lane's name sorts as it is drawn; the axis shows what stands behind the fourth character."""
    return label(f"{at:03d}{row}{name}")


def _pod(pod: PodRace, at: int, race: Race) -> Iterable[dict[str, Any]]:
    """The rows of a pod."""
    yield {"lane": _lane(at, "z", ""), "from": 0, "to": 0, "fill": PAPER, "stroke": PAPER, "tip": ""}
    for row, parts in pod_spans(pod, race).items():
        for what, start, end in parts:
            since, until = max(start, race.start), min(end, race.end)
            if since < until:
                fill, stroke = _COLOURS[row][what]
                yield {
                    "lane": _row(pod, at, row),
                    "from": _after(since, race),
                    "to": _after(until, race),
                    "fill": fill,
                    "stroke": stroke,
                    "tip": f"{visible(pod.name)} {what}: for {end - start:.2f} s, "
                    f"{start - race.update:+.2f} to {end - race.update:+.2f} s",
                }


def _gaps(pod: PodRace, at: int, race: Race) -> Iterable[dict[str, Any]]:
    for gap in gaps(pod):
        since, until = max(gap.start, race.start), min(gap.end, race.end)
        if since < until:
            yield {
                "lane": _row(pod, at, DATA_PLANE),
                "from": _after(since, race),
                "to": _after(until, race),
                "fill": COLOURS[gap.kind],
                "words": gap.words,
                "at": _after(since if _is_late(until, race) else until, race),
                "late": _is_late(until, race) and not _is_early(since, race),
                "tip": f"{visible(pod.name)}: {gap.words}" if gap.words else "",
            }


def _marks(race: Race) -> Iterable[dict[str, Any]]:
    for name, words in _MARKS.items():
        t = getattr(race, name)
        if t is not None and race.start <= t <= race.end:
            yield {"t": _after(t, race), "name": words, "mark": name, "late": _is_late(t, race)}


def _outcomes(race: Race) -> Iterable[dict[str, Any]]:
    """Requests by outcome: those answered, and above them those lost."""
    for t, beats in _by_time(race):
        lost = sum((Counter(beat.failed) for beat in beats), Counter[str]())
        bars = {"answered": sum(beat.sent for beat in beats) - lost.total(), **lost}
        for outcome, number in bars.items():
            if number > 0:
                yield {
                    "from": _after(t, race),
                    "to": _after(t + race.beat_s, race),
                    "requests": number,
                    "rank": -1 if outcome == "answered" else outcome_rank(outcome),
                    "fill": ANSWERED if outcome == "answered" else outcome_colour(outcome),
                    "tip": f"{t - race.update:+.2f} s: {count(number)} {visible(outcome)}",
                }


def _by_time(race: Race) -> Iterable[tuple[float, list[Any]]]:
    found: dict[float, list[Any]] = {}
    for beat in race.beats:
        found.setdefault(beat.t, []).append(beat)
    return sorted(found.items())


def _latency(race: Race, colours: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    for beat in race.beats:
        for name in ("p50", "p99"):
            value = getattr(beat, f"{name}_ms")
            if value is not None:
                yield {
                    "t": _after(beat.t + race.beat_s / 2, race),
                    "ms": max(value, 0.01),
                    "line": f"{label(beat.stream)}{name}",
                    "dash": name,
                    "fill": colours[beat.stream],
                }


def _load(race: Race, colours: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    for beat in race.beats:
        yield {
            "from": _after(beat.t, race),
            "per_s": round(beat.sent / race.beat_s, 1),
            "line": label(beat.stream),
            "fill": colours[beat.stream],
        }


def _lost(lost: LostRequest, at: int, race: Race) -> dict[str, Any]:
    took_ms = 1000 * (lost.ended - lost.scheduled)
    return {
        "id": at,
        "t": _after(lost.scheduled, race),
        "ms": round(max(took_ms, 0.01), 3),
        "fill": outcome_colour(lost.outcome),
        "cause": lost.cause,
        "tip": f"{visible(lost.outcome)} after {number_ms(took_ms)} ms, {lost.cause}, stream {visible(lost.stream)}",
    }


def _outage(one: Outage, race: Race) -> dict[str, Any]:
    return {
        "from": _after(max(one.start, race.start), race),
        "to": _after(min(one.end, race.end), race),
        "tip": f"outage on {visible(one.stream)}: {count(one.requests)} lost in {one.end - one.start:.2f} s",
    }


def _is_late(t: float, race: Race) -> bool:
    """Whether there is no room for words behind this moment: they stand before it then."""
    return (t - race.start) / (race.end - race.start) > _ROOM


def _is_early(t: float, race: Race) -> bool:
    """Whether there is no room for words before this moment either: they stand upon what begins there."""
    return (t - race.start) / (race.end - race.start) < 1 - _ROOM


def _after(t: float, race: Race) -> float:
    return round(t - race.update, 4)
