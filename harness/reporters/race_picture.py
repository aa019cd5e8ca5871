"""Turns the rows of one rollout into a Vega-Lite document: three or four rows a pod, and below them the requests.

One document gives the static picture and the one that can be zoomed: all panels share one x axis, whose domain is the
parameter `view`; `lit` is the cause whose failures light up, `chosen` the failure whose panel is open.
"""

from typing import Any, Final

from harness.reporters.frame import CONFIG, FAINT, INK, LABELS_PX, WIDTH
from harness.reporters.race_rows import PAPER, Rows

Object = dict[str, Any]

_LANE_PX: Final = 13
_NO_AXIS: Final[Object] = {"labels": False, "ticks": False, "domain": False, "title": None, "tickCount": 10}
_DASH: Final[Object] = {
    "field": "mark",
    "type": "nominal",
    "scale": {"domain": ["update", "complete", "settled"], "range": [[1, 0], [5, 3], [1.5, 2.5]]},
    "legend": None,
}
_LIT: Final = "(lit == '' || lit == datum.cause)"


def race_picture(rows: Rows, view: tuple[float, float]) -> Object:
    """The document, with its rows by name. `view`: the times in seconds after the update that are shown at first."""
    panels = [_names(), _pods(), _outcomes(), _latency(), _load()]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "params": [
            {"name": "view", "value": list(view)},
            {"name": "lit", "value": ""},
            {"name": "chosen", "value": -1},
        ],
        "vconcat": [{"width": WIDTH, **panel} for panel in panels],
        "spacing": 10,
        "datasets": rows,
        "config": {**CONFIG, "aria": False},
    }


def _x(field: str, *, last: bool = False, **more: Any) -> Object:
    axis = {"title": "seconds after the update", "tickCount": 10, "format": "~r"} if last else _NO_AXIS
    scale = {"domain": [{"expr": "view[0]"}, {"expr": "view[1]"}], "nice": False, "zero": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis, **more}


def _layer(data: str, mark: Object, **encoding: Any) -> Object:
    return {"data": {"name": data}, "mark": {"clip": True, **mark}, "encoding": encoding}


def _text(data: str, mark: Object, **encoding: Any) -> list[Object]:
    """Words behind their place, or before it where there is no room."""
    before = {**mark, "align": "right", "dx": -4}
    return [
        {**_layer(data, one, **encoding), "transform": [{"filter": f"{sign}datum.late"}]}
        for one, sign in ((mark, "!"), (before, ""))
    ]


def _plain(field: str) -> Object:
    """A colour that stands in the row."""
    return {"field": field, "type": "nominal", "scale": None}


_TIP: Final[Object] = {"field": "tip", "type": "nominal"}


def _rules(*, last: bool = False) -> Object:
    return _layer("marks", {"type": "rule", "strokeWidth": 1.1, "stroke": INK}, x=_x("t", last=last), strokeDash=_DASH)


def _names() -> Object:
    text = _text(
        "marks",
        {"type": "text", "align": "left", "dx": 2, "color": INK, "fontSize": 11, "fontWeight": 600},
        x=_x("t"),
        y={"value": {"expr": "datum.mark == 'settled' ? 20 : 7"}},
        text={"field": "name", "type": "nominal"},
    )
    return {"height": 26, "view": {"stroke": None}, "layer": text}


def _pods() -> Object:
    axis = {
        "title": None,
        "labelExpr": "slice(datum.value, 4)",
        "labelColor": {"condition": {"test": "slice(datum.value, 3, 4) == 'a'", "value": INK}, "value": FAINT},
        "labelLimit": LABELS_PX - 8,
        "labelFontSize": 10,
        "minExtent": LABELS_PX,
        "ticks": False,
        "domain": False,
        "grid": False,
    }
    scale = {"paddingInner": 0.15, "paddingOuter": 0.3}
    y = {"field": "lane", "type": "nominal", "sort": "ascending", "axis": axis, "scale": scale}
    spans = _layer(
        "spans",
        {"type": "bar", "strokeWidth": 1},
        x=_x("from"),
        x2={"field": "to"},
        y=y,
        color=_plain("fill"),
        stroke=_plain("stroke"),
        tooltip=_TIP,
    )
    races = _layer("gaps", {"type": "bar"}, x=_x("from"), x2={"field": "to"}, y=y, color=_plain("fill"), tooltip=_TIP)
    words = {"type": "text", "align": "left", "dx": 4, "fontSize": 11, "fontWeight": 700}
    halo = {**words, "stroke": PAPER, "strokeWidth": 3, "strokeJoin": "round"}
    told = [
        layer
        for mark in (halo, {**words, "color": INK})
        for layer in _text("gaps", mark, x=_x("at"), y=y, text={"field": "words", "type": "nominal"})
    ]
    return {"height": {"step": _LANE_PX}, "layer": [_rules(), spans, races, *told]}


def _side(*title: str, **more: Any) -> Object:
    shared: Object = {"minExtent": LABELS_PX, "titleAngle": 0, "titleAlign": "left", "titleAnchor": "start"}
    return {**shared, "title": list(title), "titleX": -LABELS_PX, "titleY": 8, "grid": False, **more}


def _outcomes() -> Object:
    bars = _layer(
        "outcomes",
        {"type": "bar", "binSpacing": 0},
        x=_x("from", bin="binned"),
        x2={"field": "to"},
        y={
            "field": "requests",
            "type": "quantitative",
            "stack": "zero",
            "axis": _side("requests", "by outcome", tickCount=3, format="d"),
        },
        color=_plain("fill"),
        order={"field": "rank", "type": "quantitative"},
        tooltip=_TIP,
    )
    return {"height": 90, "layer": [bars, _rules()]}


def _latency() -> Object:
    y = {
        "field": "ms",
        "type": "quantitative",
        "scale": {"type": "log", "nice": True},
        "axis": _side("latency in ms", "and, marked,", "lost requests", tickCount=4, format="~r"),
    }
    lines = _layer(
        "latency",
        {"type": "line", "strokeWidth": 1.3},
        x=_x("t"),
        y=y,
        detail={"field": "line", "type": "nominal"},
        color=_plain("fill"),
        strokeDash={
            "field": "dash",
            "type": "nominal",
            "scale": {"domain": ["p50", "p99"], "range": [[1, 0], [3, 2]]},
            "legend": None,
        },
    )
    lost = _layer(
        "lost",
        {"type": "point", "filled": True, "cursor": "pointer", "strokeWidth": 1.5},
        x=_x("t"),
        y=y,
        color=_plain("fill"),
        opacity={"condition": {"test": _LIT, "value": 0.9}, "value": 0.08},
        size={"condition": {"test": "datum.id == chosen", "value": 220}, "value": 46},
        stroke={"condition": {"test": "datum.id == chosen", "value": INK}, "value": None},
        tooltip=_TIP,
    )
    outages = _layer(
        "outages",
        {"type": "rule", "strokeWidth": 7, "stroke": "var(--race, #d55e00)"},
        x=_x("from"),
        x2={"field": "to"},
        y={"value": 6},
        tooltip=_TIP,
    )
    return {"height": 130, "layer": [_rules(), lines, outages, lost]}


def _load() -> Object:
    lines = _layer(
        "load",
        {"type": "line", "interpolate": "step-after", "strokeWidth": 1.3},
        x=_x("from", last=True),
        y={
            "field": "per_s",
            "type": "quantitative",
            "axis": _side("load sent,", "requests/s", tickCount=3, format="~r"),
        },
        detail={"field": "line", "type": "nominal"},
        color=_plain("fill"),
    )
    return {"height": 56, "layer": [_rules(last=True), lines]}
