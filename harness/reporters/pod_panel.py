"""Turns the lives of the pods into a panel of the timeline: one row a pod, coloured by revision."""

from collections.abc import Iterable
from typing import Any, Final

import altair as alt

from harness.model.result import Chart, PodLife, ScenarioResult, Taker
from harness.reporters.escaping import label, visible
from harness.reporters.frame import INK, LABELS_PX, WIDTH, Frame, Panel, behind
from harness.reporters.palette import revision_colours

_ROW_PX: Final = 19


def pod_panel(result: ScenarioResult, frame: Frame) -> Panel:
    """One row a pod: hollow while it starts, solid while it is ready, hatched while it terminates."""
    ordered = in_order(result.chart)
    colours = revision_colours(p.revision for p in ordered)
    hatches = {revision: f"url(#hatch-{i})" for i, revision in enumerate(colours)}
    names = list(dict.fromkeys(label(p.name) for p in ordered))
    step = _ROW_PX if len(names) <= 30 else max(2, 30 * _ROW_PX / len(names))
    axis = alt.Axis(
        title=None,
        labels=step >= 10,
        ticks=False,
        domain=False,
        labelPadding=6,
        labelLimit=LABELS_PX - 8,
        minExtent=LABELS_PX,
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
            alt.Description("tip:N"),
        )
    )
    words = frame.draw(_takers(ordered)).mark_text(align="left", dx=4, fontSize=11, fontWeight=600, color=INK)
    text = words.encode(frame.x("t", last=True), y, alt.Text("taker:N"))
    panel = alt.layer(*behind(result, frame, last=True), bars, text)
    title = alt.Title("pods", anchor="start", frame="bounds", fontSize=12, color=INK, offset=2)
    return panel.properties(width=WIDTH, height=max(40, step * len(names)), title=title)


def in_order(chart: Chart) -> tuple[PodLife, ...]:
    """The pods as they are drawn, from above: in the order in which they were created."""
    return tuple(sorted(chart.pods, key=lambda p: (p.created if p.created is not None else float("-inf"), p.name)))


def _takers(pods: Iterable[PodLife]) -> list[dict[str, Any]]:
    """Who ended the pods that the rollout did not end."""
    return [
        {"pod": label(p.name), "t": p.deletion, "taker": p.taker.value}
        for p in pods
        if p.taker is not None and p.taker is not Taker.ROLLOUT and p.deletion is not None
    ]


def _life(pod: PodLife, colour: str, hatch: str, frame: Frame) -> list[dict[str, Any]]:
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
            "pod": label(pod.name),
            "from": max(start, frame.start),
            "to": min(end, frame.end),
            "fill": fill,
            "stroke": colour,
            "tip": f"{visible(pod.name)} {phase}: {start:.2f} s to {end:.2f} s ({end - start:.2f} s)",
        }
        for phase, start, end, fill in phases
        if min(end, frame.end) > max(start, frame.start)
    ]
