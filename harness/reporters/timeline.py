"""Turns a scenario's chart into one picture, in Vega-Lite: failures over time above the lives of the pods."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any, Final

import altair as alt

from harness.model.result import Chart, PodLife, ScenarioResult, Taker
from harness.model.run import RunInfo
from harness.reporters.palette import outcome_colour, outcome_rank, revision_colours
from harness.reporters.text import visible

WIDTH: Final = 860
_FAILURES_PX: Final = 96
_NOTHING_PX: Final = 48
_ROW_PX: Final = 19
_WORD_PX: Final = 66  # room for "rollout 12"
_DIGITS_PX: Final = 18
_LABELS_PX: Final = 160  # room left of every panel for a pod's name: the same in all, so that their x axes lie in line
_LEAST_BAR_PX: Final = 2.0
_INK: Final = "var(--ink, #1b1f24)"
_FAINT: Final = "var(--faint, #5d6672)"
_DASHES: Final[dict[str, list[float]]] = {"update": [1, 0], "complete": [5, 3], "settled": [1.5, 2.5]}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What all panels of one picture share: its interval in seconds, and the rows that its layers are drawn from.

    Rows are given by name and join the document at its end: Altair copies a chart's data at every step.
    """

    start: float
    end: float
    rows: dict[str, list[dict[str, Any]]]

    def x(self, field: str, *, last: bool = False, **options: Any) -> alt.X:
        title = "seconds since the start of the run" if last else None
        axis = alt.Axis(labels=last, ticks=last, domain=last, title=title, tickCount=12)
        scale = alt.Scale(domain=[self.start, self.end], nice=False)
        return alt.X(f"{field}:Q", **{"scale": scale, "axis": axis, **options})

    def px(self, length_s: float) -> float:
        return length_s / (self.end - self.start) * WIDTH

    def draw(self, rows: list[dict[str, Any]]) -> alt.Chart:
        name = f"rows-{len(self.rows)}"
        self.rows[name] = rows
        return alt.Chart(alt.NamedData(name=name))


def timeline(info: RunInfo, result: ScenarioResult) -> dict[str, Any]:
    """A Vega-Lite document of a panel for every stream and one for the pods, over one x axis in seconds of the run.

    Bins are added up until a bar is wide enough to be seen; the axis says how wide they are.
    """
    chart = result.chart
    frame = _Frame(**_interval(result), rows={})
    streams = list(dict.fromkeys([*info.streams, *(b.stream for b in chart.failures)])) or ["all"]
    panels = [_labels(result, frame), *(_failures(info, result, stream, frame) for stream in streams)]
    panels.append(_pods(result, frame))
    # put together here: Altair's own vconcat copies every panel several times, and takes as long as the rest
    return {"vconcat": [_bare(panel) for panel in panels], "spacing": 12, "datasets": frame.rows, "config": _CONFIG}


def _bare(panel: alt.LayerChart | alt.FacetChart) -> dict[str, Any]:
    """A panel without what only the outermost document may have."""
    return {key: value for key, value in panel.to_dict(validate=False).items() if key not in ("$schema", "config")}


def _interval(result: ScenarioResult) -> dict[str, Any]:
    """From the control window, or the first rollout, to the end of the last: what has a verdict."""
    windows = [*([result.control] if result.control else []), *(r.window for r in result.rollouts)]
    times = [b.t for b in result.chart.failures]
    start = min((w.start for w in windows), default=min(times, default=0.0))
    end = max((w.end for w in windows), default=max(times, default=0.0))
    return {"start": start, "end": max(end, start + 1.0)}


def _behind(result: ScenarioResult, frame: _Frame, *, last: bool = False) -> list[alt.Chart]:
    """The control window and the rollouts shaded, and a line at every mark."""
    bands = [
        {"from": r.update, "to": r.window.end if r.settled is None else r.settled, "fill": "var(--band, #dfe8f3)"}
        for r in result.rollouts
    ]
    if result.control:
        bands.append({"from": result.control.start, "to": result.control.end, "fill": "var(--control, #d3d7dd)"})
    shaded = frame.draw(bands).mark_rect(opacity=0.6)
    layers = [shaded.encode(frame.x("from", last=last), alt.X2("to"), alt.Color("fill:N", scale=None))]
    for name, dash in _DASHES.items():
        times = [(r.rollout, getattr(r, name)) for r in result.rollouts]
        rows = [{"t": t, "tip": f"rollout {n}: {name} at {t:.2f} s"} for n, t in times if t is not None]
        line = frame.draw(rows).mark_rule(strokeDash=dash, stroke=_INK, strokeWidth=1.1, opacity=0.8)
        layers.append(line.encode(frame.x("t", last=last), description="tip:N"))
    return layers


def _labels(result: ScenarioResult, frame: _Frame) -> alt.LayerChart | alt.FacetChart:
    """A strip over the panels that names what is shaded, as far as there is room."""
    starts = [r.update for r in result.rollouts]
    room = frame.px(min((b - a for a, b in pairwise(starts)), default=frame.end - frame.start))
    every = max(1, ceil(_DIGITS_PX / max(room, 0.1)))
    word = "rollout " if room >= _WORD_PX else ""
    names = [{"t": r.update, "name": f"{word}{r.rollout}"} for r in result.rollouts[::every]]
    if result.control and frame.px(result.control.end - result.control.start) >= _WORD_PX:
        names.append({"t": result.control.start, "name": "control"})
    text = frame.draw(names).mark_text(align="left", dx=2, color=_INK, fontSize=12, fontWeight=600)
    strip = text.encode(frame.x("t", axis=None), text="name:N")
    return alt.layer(strip).properties(width=WIDTH, height=10, view=alt.ViewBackground(stroke=None))


def _failures(info: RunInfo, result: ScenarioResult, stream: str, frame: _Frame) -> alt.LayerChart | alt.FacetChart:
    """One stream's failed requests as stacked bars; where there was none it says so."""
    counts, bin_s = _counts(result.chart, stream, frame)
    highest = max((n for _, n in _totals(counts)), default=0)
    title = [visible(stream), *_rate(info, stream), f"failed per {bin_s:g} s"]
    ticks = sorted({0, highest, *([highest // 2] if highest > 3 else [])})
    axis = alt.Axis(title=title, values=ticks, format="d", grid=False, **_SIDE)
    y = alt.Y("failed:Q", stack="zero", axis=axis, scale=alt.Scale(domain=[0, max(highest, 1)], nice=False))
    rows = [_bar(frame.start + i * bin_s, bin_s, outcome, n) for (i, outcome), n in sorted(counts.items())]
    bars = (
        frame.draw(rows or [_bar(frame.start, bin_s, "", 0)])
        .mark_bar(clip=True, binSpacing=0)
        .encode(
            frame.x("from", bin="binned"),
            alt.X2("to"),
            y,
            alt.Color("fill:N", scale=None),
            alt.Order("rank:Q"),
            description="tip:N",
        )
    )
    layers = [*_behind(result, frame), bars]
    if not rows:
        middle = frame.draw([{"t": (frame.start + frame.end) / 2}])
        layers.append(middle.mark_text(text="no failed request", color=_FAINT, fontSize=12).encode(frame.x("t")))
    return alt.layer(*layers).properties(width=WIDTH, height=_FAILURES_PX if rows else _NOTHING_PX)


def _counts(chart: Chart, stream: str, frame: _Frame) -> tuple[Counter[tuple[int, str]], float]:
    """Failed requests by bin since the start and outcome; a bin is the recorded one so often that it can be seen."""
    bin_s = round(chart.bin_s * max(1, ceil(_LEAST_BAR_PX / frame.px(chart.bin_s))), 6)
    counts: Counter[tuple[int, str]] = Counter()
    for b in chart.failures:
        if b.stream == stream:
            counts[int((b.t - frame.start + 1e-9) // bin_s), b.outcome] += b.failed
    return counts, bin_s


def _totals(counts: Counter[tuple[int, str]]) -> Iterable[tuple[int, int]]:
    totals: Counter[int] = Counter()
    for (index, _), failed in counts.items():
        totals[index] += failed
    return totals.items()


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


def _pods(result: ScenarioResult, frame: _Frame) -> alt.LayerChart | alt.FacetChart:
    """One row a pod: hollow while it starts, solid while it is ready, hatched while it terminates."""
    ordered = in_order(result.chart)
    colours = revision_colours(p.revision for p in ordered)
    hatches = {revision: f"url(#hatch-{i})" for i, revision in enumerate(colours)}
    names = list(dict.fromkeys(visible(p.name) for p in ordered))
    step = _ROW_PX if len(names) <= 30 else max(4, 30 * _ROW_PX // len(names))
    axis = alt.Axis(
        title=None,
        labels=step >= 10,
        ticks=False,
        domain=False,
        labelPadding=6,
        labelLimit=_LABELS_PX - 8,
        minExtent=_LABELS_PX,
    )
    y = alt.Y("pod:N", sort=names, scale=alt.Scale(domain=names, paddingInner=0.28, paddingOuter=0.2), axis=axis)
    rows = [row for p in ordered for row in _life(p, colours[p.revision], hatches[p.revision], frame)]
    bars = (
        frame.draw(rows)
        .mark_bar(clip=True, strokeWidth=1.2)
        .encode(
            frame.x("from", last=True),
            alt.X2("to"),
            y,
            alt.Color("fill:N", scale=None),
            alt.Stroke("stroke:N", scale=None),
            description="tip:N",
        )
    )
    words = frame.draw(_takers(ordered)).mark_text(align="left", dx=4, fontSize=11, fontWeight=600, color=_INK)
    text = words.encode(frame.x("t", last=True), y, text="taker:N")
    panel = alt.layer(*_behind(result, frame, last=True), bars, text)
    title = alt.Title("pods", anchor="start", frame="bounds", fontSize=12, color=_INK, offset=2)
    return panel.properties(width=WIDTH, height=max(40, step * len(names)), title=title)


def in_order(chart: Chart) -> tuple[PodLife, ...]:
    """The pods as they are drawn, from above: in the order in which they were created."""
    return tuple(sorted(chart.pods, key=lambda p: (p.created if p.created is not None else float("-inf"), p.name)))


def _takers(pods: Iterable[PodLife]) -> list[dict[str, Any]]:
    """Who ended the pods that the rollout did not end."""
    return [
        {"pod": visible(p.name), "t": p.deletion, "taker": p.taker.value}
        for p in pods
        if p.taker is not None and p.taker is not Taker.ROLLOUT and p.deletion is not None
    ]


def _life(pod: PodLife, colour: str, hatch: str, frame: _Frame) -> list[dict[str, Any]]:
    """The parts of a pod's bar. What was not seen: before the picture begins, or not until it ends."""
    gone = frame.end if pod.gone is None else pod.gone
    deletion = gone if pod.deletion is None else min(pod.deletion, gone)
    created = frame.start if pod.created is None else pod.created
    ready = deletion if pod.ready is None else min(max(pod.ready, created), deletion)
    phases = (
        ("starting", created, ready, "var(--paper, #ffffff)"),
        ("ready", ready, deletion, colour),
        ("terminating", deletion, gone, hatch),
    )
    return [
        {
            "pod": visible(pod.name),
            "from": max(start, frame.start),
            "to": min(end, frame.end),
            "fill": fill,
            "stroke": colour,
            "tip": f"{visible(pod.name)} {phase}: {start:.2f} s to {end:.2f} s ({end - start:.2f} s)",
        }
        for phase, start, end, fill in phases
        if min(end, frame.end) > max(start, frame.start)
    ]


_SIDE: Final[dict[str, Any]] = {
    "minExtent": _LABELS_PX,
    "titleAngle": 0,
    "titleAlign": "left",
    "titleAnchor": "start",
    "titleX": -_LABELS_PX,
    "titleY": 8,
}
_CONFIG: Final[dict[str, Any]] = {
    "background": "transparent",
    "font": "system-ui, -apple-system, 'Segoe UI', sans-serif",
    "view": {"stroke": "var(--line, #c9ced6)"},
    "axis": {
        "labelColor": _FAINT,
        "titleColor": _INK,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": 600,
        "titlePadding": 8,
        "gridColor": "var(--grid, #e4e7ec)",
        "domainColor": "var(--line, #c9ced6)",
        "tickColor": "var(--line, #c9ced6)",
    },
}
