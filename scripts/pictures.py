"""Recorded rollouts -> the pictures and the table of docs/races.md: `python -m scripts.pictures [FOLDER]`.

The recordings are real ones (tests/recordings/README.md), judged as any run is, and the pictures are those of the
report. Each is drawn anew only where what it shows has changed: fonts, and with them widths, are each machine's own.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.judged_runs import judged
from harness.model.result import ScenarioResult
from harness.reporters.figures import interval
from harness.reporters.race_picture import race_picture
from harness.reporters.race_rows import race_rows
from harness.reporters.race_words import POD_HEADERS, pod_table
from harness.reporters.svg import picture

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BEGIN, END = "<!-- made by `make pictures` -->\n", "<!-- up to here -->"
_COLUMNS = ("pod", "ready", "first sent to", "told to stop", "left the EndpointSlice", "last sent to", "gone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One recording, and how the page calls it."""

    recording: str
    name: str
    title: str


SHOWN = (
    Shown(
        recording="default-3replicas-sync1s",
        name="race-dropping",
        title="A rollout of three nginx pods without mitigations: each old pod is still sent to after its end",
    ),
    Shown(
        recording="mitigated-3replicas-sync1s",
        name="race-seamless",
        title="The same with preStop 5 s and minReadySeconds 5: each old pod listens until nothing more is sent to it",
    ),
)


def result(shown: Shown) -> ScenarioResult:
    """The recording, judged."""
    return judged(ROOT / "tests" / "recordings" / shown.recording)[1]


def document(found: ScenarioResult) -> dict[str, Any]:
    """What the picture of its one rollout is drawn from."""
    (race,) = found.races.races
    return race_picture(race_rows(race, ()), (race.start - race.update, race.end - race.update))


def mark(drawn_from: dict[str, Any]) -> str:
    """By which it is told whether a picture is that of a document."""
    return f"<!-- {hashlib.sha256(json.dumps(drawn_from, sort_keys=True).encode()).hexdigest()[:16]} -->"


def tables(found: dict[str, ScenarioResult]) -> str:
    """Both rollouts in figures, and the pods of each."""
    before, after = (found[shown.name] for shown in SHOWN)
    rows = [(words, of(before), of(after)) for words, of in _FIGURES.items()]
    parts = [_table(("", "as most deploy it", "preStop 5 s, minReadySeconds 5"), rows)]
    for heading, one in (("As most deploy it", before), ("With the mitigations", after)):
        (race,) = one.races.races
        picked = [POD_HEADERS.index(column) for column in _COLUMNS]
        pods = [tuple(row[at] for at in picked) for row in pod_table(race)]
        parts.append(f"{heading}, in seconds after the update:\n\n{_table(_COLUMNS, pods)}")
    return "\n".join(parts)


def _table(headers: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headers, tuple("---" for _ in headers), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _lag(found: ScenarioResult, side: str) -> str:
    lags = getattr(found.propagation, side)
    return interval(lags.max.earliest_s, lags.max.latest_s)


_FIGURES = {
    "requests during the rollout": lambda it: f"{it.rollouts[0].window.requests:,}",
    "lost": lambda it: f"{it.rollouts[0].window.failed}",
    "by cause": lambda it: ", ".join(f"{cause}: {number}" for cause, number in it.causes.items()) or "none",
    "verdict": lambda it: str(it.verdict),
    "until the API called it complete": lambda it: f"{it.rollouts[0].complete - it.rollouts[0].update:.1f} s",
    "until the old pods were gone": lambda it: f"{it.rollouts[0].settled - it.rollouts[0].update:.1f} s",
    "longest from leaving the list to the last new connection": lambda it: _lag(it, "removal"),
    "longest from Ready to the first request": lambda it: _lag(it, "addition"),
}


def within(page: str, made: str) -> str:
    """The page with the tables in their place."""
    head, _, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{made}\n{END}{rest.partition(END)[2]}"


def pictures(folder: Path) -> None:
    """Write the pictures where they have changed, and the tables."""
    found = {shown.name: result(shown) for shown in SHOWN}
    for shown in SHOWN:
        path, drawn_from = folder / f"{shown.name}.svg", document(found[shown.name])
        if not path.exists() or mark(drawn_from) not in path.read_text(encoding="utf-8"):
            svg = picture(drawn_from, name=shown.name, title=shown.title, hatches=())
            svg = svg.replace("<svg ", '<svg style="background: #ffffff" ', 1)
            path.write_text(f"{svg}\n{mark(drawn_from)}\n", encoding="utf-8")
    page = folder / "races.md"
    page.write_text(within(page.read_text(encoding="utf-8"), tables(found)), encoding="utf-8")


if __name__ == "__main__":
    pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
