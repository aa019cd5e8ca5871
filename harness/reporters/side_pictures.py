"""Describes in Vega-Lite the small pictures of a report: variants held against each other, lags as distributions."""

from typing import Any, Final

from harness.reporters.frame import CONFIG, FAINT, INK, LABELS_PX

Object = dict[str, Any]

_TIP: Final[Object] = {"field": "tip", "type": "nominal"}


def variants_picture() -> Object:
    """Of each variant the share of rollouts that drop calls, and what a rollout loses, with their intervals."""
    left = _intervals("rollouts that drop calls, in %", "share", "low", "high", {"domain": [0, 100]}, labels=True)
    right = _intervals("requests lost in a rollout", "lost", "least", "most", {"zero": True}, labels=False)
    return {**_document({"variants": []}), "hconcat": [left, right], "spacing": 24}


def _intervals(title: str, at: str, low: str, high: str, scale: Object, *, labels: bool) -> Object:
    axis = {"title": None, "labels": labels, "ticks": False, "domain": False, "labelLimit": 240, "labelFontSize": 12}
    y = {"field": "variant", "type": "nominal", "sort": None, "axis": axis}
    x_axis = {"title": title, "tickCount": 5, "format": "~r"}
    shared = {"y": y, "tooltip": _TIP}
    return {
        "data": {"name": "variants"},
        "width": 360,
        "height": {"step": 26},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 3, "color": FAINT},
                "encoding": {**shared, "x": _x(low, scale, x_axis), "x2": {"field": high}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 90, "color": "var(--race, #d55e00)"},
                "encoding": {**shared, "x": _x(at, scale, x_axis)},
            },
        ],
    }


def lags_picture() -> Object:
    """The lags of all pods from the shortest to the longest, each as the interval in which it lies."""
    panels = [
        _lags("removal", "var(--does, #7a5195)", "seconds from leaving the EndpointSlice to the last new connection"),
        _lags("addition", "var(--says, #007a5a)", "seconds from Ready to the first new connection"),
    ]
    return {**_document({"lags": []}), "vconcat": panels, "spacing": 18}


def _lags(side: str, colour: str, title: str) -> Object:
    axis = {"title": ["pods,", "in %"], "values": [0, 50, 90, 100], "titleAngle": 0, "minExtent": LABELS_PX / 3}
    x_axis = {"title": title, "tickCount": 8, "format": "~r"}
    y = {"field": "rank", "type": "quantitative", "scale": {"domain": [0, 100]}, "axis": axis}
    return {
        "data": {"name": "lags"},
        "transform": [{"filter": f"datum.side == '{side}'"}],
        "width": 760,
        "height": 90,
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 3, "color": colour, "opacity": 0.75},
                "encoding": {
                    "x": _x("from", {"zero": True}, x_axis),
                    "x2": {"field": "to"},
                    "y": y,
                    "tooltip": _TIP,
                },
            },
            {
                "mark": {"type": "tick", "thickness": 2, "size": 9, "color": INK},
                "encoding": {"x": _x("to", {"zero": True}, x_axis), "y": y, "tooltip": _TIP},
            },
        ],
    }


def _x(field: str, scale: Object, axis: Object) -> Object:
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def _document(rows: Object) -> Object:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "datasets": rows,
        "config": {**CONFIG, "aria": False},
    }
