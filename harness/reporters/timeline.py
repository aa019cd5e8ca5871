"""Turns a scenario's chart into one picture, in Vega-Lite: failures over time above the lives of the pods."""

from dataclasses import replace
from math import ceil
from typing import Any, Final

import altair as alt

from harness.model.result import ScenarioResult
from harness.model.run import RunInfo
from harness.reporters.failure_panel import failure_panel
from harness.reporters.frame import CONFIG, INK, WIDTH, WORD_PX, Frame, Panel
from harness.reporters.pod_panel import pod_panel

MOST_ROLLOUTS: Final = 40
"""How many rollouts the picture shows."""

_DIGITS_PX: Final = 18  # room for "12"


def timeline(info: RunInfo, result: ScenarioResult) -> dict[str, Any]:
    """A Vega-Lite document of a panel for every stream and one for the pods, over one x axis in seconds of the run."""
    result = _first_rollouts(result)
    chart = result.chart
    frame = Frame(**_interval(result), rows={})
    streams = list(dict.fromkeys([*info.streams, *(b.stream for b in chart.failures)])) or ["all"]
    panels = [_labels(result, frame), *(failure_panel(info, result, stream, frame) for stream in streams)]
    panels.append(pod_panel(result, frame))
    # put together here: Altair's own vconcat copies every panel several times, and takes as long as the rest
    return {"vconcat": [_bare(panel) for panel in panels], "spacing": 12, "datasets": frame.rows, "config": CONFIG}


def _first_rollouts(result: ScenarioResult) -> ScenarioResult:
    """As much of the run as one picture can show: of many rollouts the first ones, with what happened by their end."""
    if len(result.rollouts) <= MOST_ROLLOUTS:
        return result
    shown = result.rollouts[:MOST_ROLLOUTS]
    end = max(rollout.window.end for rollout in shown)
    failures = tuple(b for b in result.chart.failures if b.t < end)
    pods = tuple(pod for pod in result.chart.pods if pod.created is None or pod.created < end)
    return replace(result, rollouts=shown, chart=replace(result.chart, failures=failures, pods=pods))


def _bare(panel: Panel) -> dict[str, Any]:
    """A panel without what only the outermost document may have."""
    return {key: value for key, value in panel.to_dict(validate=False).items() if key not in ("$schema", "config")}


def _interval(result: ScenarioResult) -> dict[str, Any]:
    """From the control window, or the first rollout, to the end of the last: what has a verdict."""
    windows = [*([result.control] if result.control else []), *(r.window for r in result.rollouts)]
    times = [b.t for b in result.chart.failures]
    start = min((w.start for w in windows), default=min(times, default=0.0))
    end = max((w.end for w in windows), default=max(times, default=0.0))
    return {"start": start, "end": max(end, start + 1.0)}


def _labels(result: ScenarioResult, frame: Frame) -> Panel:
    """A strip over the panels that names what is shaded, as far as there is room."""
    room = frame.room(result)
    every = max(1, ceil(_DIGITS_PX / max(room, 0.1)))
    worded = room >= frame.word_px(result)
    named = [(r.update, r.number) for r in result.rollouts[::every]]
    names = [{"t": t, "name": result.words.numbered(n) if worded else str(n)} for t, n in named]
    if result.control and frame.px(result.control.end - result.control.start) >= WORD_PX:
        names.append({"t": result.control.start, "name": "control"})
    text = frame.draw(names).mark_text(align="left", dx=2, color=INK, fontSize=12, fontWeight=600)
    strip = text.encode(frame.x("t", axis=None), alt.Text("name:N"))
    return alt.layer(strip).properties(width=WIDTH, height=10, view=alt.ViewBackground(stroke=None))
