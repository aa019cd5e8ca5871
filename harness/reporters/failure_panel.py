"""Turns one stream's failed requests into a panel of the timeline: stacked bars, a colour for each outcome."""

from collections import Counter
from math import ceil, floor
from typing import Any, Final

import altair as alt

from harness.model.result import Chart, ScenarioResult
from harness.model.run import RunInfo
from harness.reporters.escaping import label, visible
from harness.reporters.frame import FAINT, LABELS_PX, WIDTH, Frame, Panel, behind
from harness.reporters.palette import outcome_colour, outcome_rank

_HEIGHT_PX: Final = 96
_NOTHING_PX: Final = 48
_LEAST_BAR_PX: Final = 2.0
_SIDE: Final[dict[str, Any]] = {
    "minExtent": LABELS_PX,
    "titleAngle": 0,
    "titleAlign": "left",
    "titleAnchor": "start",
    "titleX": -LABELS_PX,
    "titleY": 8,
}

Counts = Counter[tuple[float, str]]
"""Failed requests by the start of their bin, in seconds, and their outcome."""


def failure_panel(info: RunInfo, result: ScenarioResult, stream: str, frame: Frame) -> Panel:
    """One stream's failed requests as stacked bars; where there was none it says so.

    Recorded bins are added up until a bar is wide enough to be seen; the axis says how wide they are.
    """
    counts, bin_s = _counts(result.chart, stream, frame)
    highest = _highest(counts)
    title = [label(stream), *_rate(info, stream), f"failed per {bin_s:g} s"]
    ticks = sorted({0, highest, *([highest // 2] if highest > 3 else [])})
    axis = alt.Axis(title=title, values=ticks, format="d", grid=False, **_SIDE)
    y = alt.Y("failed:Q", stack="zero", axis=axis, scale=alt.Scale(domain=[0, max(highest, 1)], nice=False))
    rows = [_bar(t, bin_s, outcome, n) for (t, outcome), n in sorted(counts.items())]
    bars = (
        frame.draw(rows or [_bar(frame.start, bin_s, "", 0)])
        .mark_bar(clip=True, binSpacing=0)
        .encode(
            frame.x("from", bin="binned"),
            alt.X2("to"),
            y,
            alt.Color("fill:N", scale=None),
            alt.Order("rank:Q"),
            alt.Description("tip:N"),
        )
    )
    layers = [*behind(result, frame), bars]
    if not rows:
        middle = frame.draw([{"t": (frame.start + frame.end) / 2}])
        layers.append(middle.mark_text(text="no failed request", color=FAINT, fontSize=12).encode(frame.x("t")))
    return alt.layer(*layers).properties(width=WIDTH, height=_HEIGHT_PX if rows else _NOTHING_PX)


def _counts(chart: Chart, stream: str, frame: Frame) -> tuple[Counts, float]:
    """What is drawn of one stream, and how wide a bin is: the recorded one, so often that it can be seen."""
    times = max(1, ceil(_LEAST_BAR_PX / frame.px(chart.bin_s)))
    bin_s = round(chart.bin_s * times, 6)
    counts: Counts = Counter()
    for b in chart.failures:
        if b.stream == stream:
            start = b.t if times == 1 else floor(b.t / bin_s + 1e-9) * bin_s
            counts[round(start, 6), b.outcome] += b.failed
    return counts, bin_s


def _highest(counts: Counts) -> int:
    totals: Counter[float] = Counter()
    for (start, _), failed in counts.items():
        totals[start] += failed
    return max(totals.values(), default=0)


def _bar(start: float, bin_s: float, outcome: str, failed: int) -> dict[str, Any]:
    return {
        "from": start,
        "to": start + bin_s,
        "failed": failed,
        "fill": outcome_colour(outcome),
        "rank": outcome_rank(outcome),
        "tip": f"{start:.2f} s: {failed} {visible(outcome)}",
    }


def _rate(info: RunInfo, stream: str) -> list[str]:
    return [f"{info.streams[stream]:g} requests/s"] if stream in info.streams else []
