"""Turns the race of one rollout into lines of characters, which a pull request and a terminal show alike."""

from collections.abc import Iterable
from typing import Final

from harness.model.quantity import things
from harness.model.race import PodRace, Race
from harness.model.result import ScenarioResult
from harness.reporters.escaping import visible
from harness.reporters.figures import count
from harness.reporters.pod_spans import DATA_PLANE, pod_spans
from harness.reporters.race_words import Kind, gaps

COLUMNS: Final = 64
MOST_PODS: Final = 6

_LETTERS: Final = {
    "starting": ".",
    "listening": "-",
    "serving": "=",
    "told to stop": "~",
    "closing": "x",
    "never listening": "o",
    "not ready": ".",
    "ready": "-",
    "in the EndpointSlice": "=",
    "terminating": "x",
    "not found healthy": ".",
    "found healthy": "=",
    "sends": "=",
    "may send": "?",
}
_SHORT: Final = {DATA_PLANE: "traffic"}
_GAPS: Final = {Kind.LATE: "~", Kind.RACE: "!", Kind.MAYBE: "?"}
_BARS: Final = " ▁▂▃▄▅▆▇█"
KEY: Final = (
    "pod:     . starting   - listening   = serving   ~ told to stop   x closing",
    "API:     . not ready  - ready       = in the EndpointSlice       x terminating",
    "traffic: = sent to    ~ late, harmless   ! sent to, and lost   ? cannot be told",
)
NEVER_KEY: Final = "pod:     o never listening on the Service's port"
GATED_KEY: Final = "balancer, by its readiness gate: . not found healthy   = found healthy"


def race_text(race: Race) -> str:
    """Lines of characters, each a stretch of time; as many pods as fit, those with a race first."""
    pods = sorted(race.pods, key=lambda pod: not any(gap.kind is not Kind.LATE for gap in gaps(pod)))[:MOST_PODS]
    pods = [pod for pod in race.pods if pod in pods]
    width = max([len("lost requests"), *(len(_name(pod)) for pod in pods)])
    step = (race.end - race.start) / COLUMNS
    lines = [f"{'':{width}}           {_marks(race)}"]
    for pod in pods:
        for at, (row, cells) in enumerate(_rows(pod, race).items()):
            lines.append(f"{'' if at else _name(pod):{width}}  {_SHORT.get(row, row):8} {cells}".rstrip())
    lines.append(f"{'lost requests':{width}}           {_lost(race)}".rstrip())
    lines.append(f"{'':{width}}           one character is {step:.2g} s; {things(race.failed, 'request')} lost")
    left = len(race.pods) - len(pods) + race.pods_left_out
    lines += [f"{'':{width}}           {things(left, 'other pod')} not shown"] if left else []
    gated = any(pod.up is not None for pod in pods)
    never = any(pod.never_listened_on for pod in pods)
    return "\n".join([*lines, "", *KEY, *([NEVER_KEY] if never else []), *([GATED_KEY] if gated else [])])


def _name(pod: PodRace) -> str:
    """No character of it can end a block of code."""
    return visible(pod.name).replace("`", "'")[-30:]


def _at(t: float, race: Race) -> int:
    return min(COLUMNS, max(0, round((t - race.start) / (race.end - race.start) * COLUMNS)))


def _rows(pod: PodRace, race: Race) -> dict[str, str]:
    """By row, its characters."""
    rows = {}
    for row, parts in pod_spans(pod, race).items():
        cells = rows[row] = [" "] * COLUMNS
        for what, start, end in parts:
            _fill(cells, start, end, _LETTERS[what], race)
    for gap in gaps(pod):
        _fill(rows[DATA_PLANE], gap.start, gap.end, _GAPS[gap.kind], race)
    return {row: "".join(cells) for row, cells in rows.items()}


def _fill(cells: list[str], start: float, end: float, letter: str, race: Race) -> None:
    if start >= end or end <= race.start or start >= race.end:
        return
    first, last = _at(start, race), _at(end, race)
    for column in range(first, max(last, min(first + 1, COLUMNS))):
        cells[column] = letter


def _marks(race: Race) -> str:
    """Where the update and the end are."""
    line = [" "] * (COLUMNS + 12)
    for t, words in ((race.update, "|update"), (race.settled, "|old pods gone")):
        if t is not None and race.start <= t <= race.end:
            at = _at(t, race)
            line[at : at + len(words)] = words
    return "".join(line).rstrip()


def _lost(race: Race) -> str:
    """How many requests were lost in each stretch of time, as bars."""
    numbers = [0] * (COLUMNS + 1)
    for beat in race.beats:
        numbers[_at(beat.t, race)] += sum(beat.failed.values())
    most = max(numbers)
    if not most:
        return "none"
    bars = (_BARS[-(-number * (len(_BARS) - 1) // most)] for number in numbers)
    return f"{''.join(bars).rstrip()}  (at most {count(most)})"


def worst(results: Iterable[ScenarioResult]) -> tuple[ScenarioResult, Race] | None:
    """The rollout that lost most requests, of all results, and its result; None where there is none to draw."""
    pairs = [(result, race) for result in results for race in result.races.races]
    return max(pairs, key=lambda pair: pair[1].failed, default=None)
