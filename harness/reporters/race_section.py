"""Turns the rollouts of a scenario that are worth looking at into what the page draws and lists of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.model.quantity import things
from harness.model.race import Race
from harness.model.result import Outage, ScenarioResult
from harness.reporters.escaping import visible
from harness.reporters.figures import count
from harness.reporters.palette import outcome_colour, outcome_rank, stream_colours
from harness.reporters.race_rows import ANSWERED, COLOURS, DOES, FINDS, IS, SAYS, race_rows
from harness.reporters.race_words import POD_HEADERS, Kind, lost_facts, lost_title, pod_table
from harness.reporters.vega import packed

_LEGEND: Final = (
    ("the pod is starting", *IS["starting"]),
    ("listening", *IS["listening"]),
    ("serving", *IS["serving"]),
    ("told to stop", *IS["told to stop"]),
    ("closing: its listener may be closed", *IS["closing"]),
    ("the API says not ready", *SAYS["not ready"]),
    ("ready", *SAYS["ready"]),
    ("in the EndpointSlice", *SAYS["in the EndpointSlice"]),
    ("terminating", *SAYS["terminating"]),
    ("the data plane sends to it", *DOES["sends"]),
    ("may send", *DOES["may send"]),
    ("late, and harmless", COLOURS[Kind.LATE], COLOURS[Kind.LATE]),
    ("race: sent to, and lost", COLOURS[Kind.RACE], COLOURS[Kind.RACE]),
    ("race, as far as can be told", COLOURS[Kind.MAYBE], COLOURS[Kind.MAYBE]),
    ("answered request", ANSWERED, ANSWERED),
)

_NEVER: Final = (("never listening on the Service's port", *IS["never listening"]),)
_BALANCER: Final = (
    ("a balancer has not found it healthy, by its gate", *FINDS["not found healthy"]),
    ("has found it healthy", *FINDS["found healthy"]),
)


def race_section(result: ScenarioResult, room: int) -> dict[str, Any] | None:
    """The rollouts that lost most, as many as take `room` bytes when they are packed; None where there is none."""
    races = sorted(result.races.races, key=lambda race: (-race.failed, race.rollout))
    outages = {rollout.rollout: rollout.outages for rollout in result.rollouts}
    drawn: list[dict[str, Any]] = []
    for race in races:
        one = _race(race, result, outages.get(race.rollout, ()))
        room -= len(packed(one))
        if room < 0:
            break
        drawn.append(one)
    if not drawn:
        return None
    if others := len(result.rollouts) - len(drawn):
        for one in drawn:
            one["note"] += f" {things(others, result.words.noun)} that lost no more than these cannot be selected."
    pods = [pod for race in races for pod in race.pods]
    gated = any(pod.up is not None for pod in pods)
    never = any(pod.never_listened_on for pod in pods)
    return {
        "races": drawn,
        "note": drawn[0]["note"],
        "pods": drawn[0]["pods"],
        "headers": POD_HEADERS,
        "legend": [_LEGEND, _NEVER if never else (), _BALANCER if gated else (), _lines(races)],
    }


def _lines(races: Sequence[Race]) -> list[tuple[str, str, str]]:
    """The colours of the streams' lines, and of what was lost."""
    streams = stream_colours(beat.stream for race in races for beat in race.beats)
    outcomes = sorted({name for race in races for beat in race.beats for name in beat.failed}, key=outcome_rank)
    return [
        *(
            (f"stream {name}: median, and dashed the 99th percentile", colour, colour)
            for name, colour in streams.items()
        ),
        *((name, outcome_colour(name), outcome_colour(name)) for name in outcomes),
    ]


def _race(race: Race, result: ScenarioResult, outages: Sequence[Outage]) -> dict[str, Any]:
    causes = next((r.window.by_cause for r in result.rollouts if r.rollout == race.rollout), {})
    return {
        "name": f"{result.words.numbered(race.number)}: {count(race.failed)} lost",
        "view": [round(race.start - race.update, 4), round(race.end - race.update, 4)],
        "note": _note(race),
        "rows": race_rows(race, outages),
        "causes": [[visible(cause), number] for cause, number in _ranked(causes)],
        "pods": [list(map(visible, row)) for row in pod_table(race)],
        "lost": [
            {
                "title": visible(lost_title(lost)),
                "cause": lost.cause,
                "evidence": visible(lost.evidence),
                "facts": [
                    [visible(label), visible(words)] for label, words in lost_facts(lost, race, result.races.rules)
                ],
            }
            for lost in race.lost
        ],
    }


def _ranked(causes: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(((cause, n) for cause, n in causes.items() if n), key=lambda pair: (-pair[1], pair[0]))


def _note(race: Race) -> str:
    """What the picture leaves out, and how exact it is."""
    parts = [f"Requests are counted in steps of {race.beat_s:g} s."]
    if len(race.lost) < race.failed:
        parts.append(
            f"Of {things(race.failed, 'lost request')} the first of each outage is marked; all are in failures.csv."
        )
    if race.pods_left_out:
        parts.append(f"{things(race.pods_left_out, 'pod')} that did not change is not drawn.")
    return " ".join(parts)
