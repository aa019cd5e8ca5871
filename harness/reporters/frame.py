"""Turns a scenario's interval and marks into what all panels of its timeline share: x axis, style, shaded windows."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import altair as alt

from harness.model.result import ScenarioResult

Panel = alt.LayerChart | alt.FacetChart

WIDTH: Final = 860
LABELS_PX: Final = 160  # room left of every panel for a pod's name: the same in all, so that their x axes lie in line
WORD_PX: Final = 66  # room for "rollout 12" and for "control"
_LETTER_PX: Final = 6.6
INK: Final = "var(--ink, #1b1f24)"
FAINT: Final = "var(--faint, #5d6672)"
_LINE: Final = "var(--line, #c9ced6)"
_DASHES: Final[dict[str, list[float]]] = {"update": [1, 0], "complete": [5, 3], "settled": [1.5, 2.5]}

CONFIG: Final[dict[str, Any]] = {
    "background": "transparent",
    "font": "system-ui, -apple-system, 'Segoe UI', sans-serif",
    "view": {"stroke": _LINE},
    "axis": {
        "labelColor": FAINT,
        "titleColor": INK,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": 600,
        "titlePadding": 8,
        "gridColor": "var(--grid, #e4e7ec)",
        "domainColor": _LINE,
        "tickColor": _LINE,
    },
}
"""The colours are CSS variables of the report, so that the picture follows dark and light."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What all panels of one picture share: its interval in seconds, and the rows that its layers are drawn from.

    Rows are given by name and join the document at its end: Altair copies a chart's data at every step.
    """

    start: float
    end: float
    rows: dict[str, list[dict[str, Any]]]

    def x(self, field: str, *, last: bool = False, **options: Any) -> alt.X:
        """The x axis, the same in all panels; only the last one has labels and a title."""
        title = "seconds since the start of the run" if last else None
        axis = alt.Axis(labels=last, ticks=last, domain=last, title=title, tickCount=12)
        scale = alt.Scale(domain=[self.start, self.end], nice=False)
        return alt.X(f"{field}:Q", **{"scale": scale, "axis": axis, **options})

    def px(self, length_s: float) -> float:
        """How wide a time is in the picture."""
        return length_s / (self.end - self.start) * WIDTH

    def room(self, result: ScenarioResult) -> float:
        """The least distance between two updates, in pixels."""
        starts = [r.update for r in result.rollouts]
        return self.px(min((b - a for a, b in pairwise(starts)), default=self.end - self.start))

    @staticmethod
    def word_px(result: ScenarioResult) -> float:
        """How much room "rollout 12" takes, or what it is called here."""
        return _LETTER_PX * len(result.words.numbered(12))

    def draw(self, rows: list[dict[str, Any]]) -> alt.Chart:
        """A chart of these rows, still without a mark."""
        name = f"rows-{len(self.rows)}"
        self.rows[name] = rows
        return alt.Chart(alt.NamedData(name=name))


def behind(result: ScenarioResult, frame: Frame, *, last: bool = False) -> list[alt.Chart]:
    """The control window and the rollouts shaded, and a line at every mark."""
    bands = [
        {"from": r.update, "to": r.window.end if r.settled is None else r.settled, "fill": "var(--band, #dfe8f3)"}
        for r in result.rollouts
    ]
    if result.control:
        bands.append({"from": result.control.start, "to": result.control.end, "fill": "var(--control, #d3d7dd)"})
    shaded = frame.draw(bands).mark_rect(opacity=0.6)
    layers = [shaded.encode(frame.x("from", last=last), alt.X2("to"), alt.Color("fill:N", scale=None))]
    crowded = frame.room(result) < frame.word_px(result)
    for name, dash in _DASHES.items() if not crowded else [("update", _DASHES["update"])]:
        times = [(r.number, getattr(r, name)) for r in result.rollouts]
        rows = [{"t": t, "tip": f"{result.words.numbered(n)}: {name} at {t:.2f} s"} for n, t in times if t is not None]
        line = frame.draw(rows).mark_rule(
            strokeDash=dash, stroke=INK, strokeWidth=1.1, opacity=0.25 if crowded else 0.8
        )
        layers.append(line.encode(frame.x("t", last=last), alt.Description("tip:N")))
    return layers
