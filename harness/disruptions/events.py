"""The Events in view -> what was told of one object, and of one container of a pod, and how often."""

from __future__ import annotations

from typing import Any

from harness.kube.view import View


class Events:
    """The Events by the object that they are about, the newest last."""

    def __init__(self, view: View) -> None:
        self._about: dict[str, list[dict[str, Any]]] = {}
        for event in sorted(view.objects("Event"), key=moment):
            uid = (event.get("involvedObject") or {}).get("uid")
            self._about.setdefault(str(uid), []).append(event)

    def of(self, uid: str, *reasons: str, container: str = "") -> list[dict[str, Any]]:
        """Those about one object, or one container of it, that have one of these reasons."""
        return [
            event
            for event in self._about.get(uid, ())
            if event.get("reason") in reasons and (not container or _is_of(event, container))
        ]


def moment(event: dict[str, Any]) -> str:
    """When it happened last, as the API writes it: in order as text too."""
    series = event.get("series") or {}
    stamps = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((str(stamp) for stamp in stamps if stamp), "")


def times(event: dict[str, Any]) -> int:
    """How often it happened: what happens again is counted up, not written again."""
    return int(event.get("count") or (event.get("series") or {}).get("count") or 1)


def message(event: dict[str, Any]) -> str:
    """What it says."""
    return str(event.get("message") or "")


def _is_of(event: dict[str, Any], container: str) -> bool:
    path = str((event.get("involvedObject") or {}).get("fieldPath") or "")
    return not path or f"{{{container}}}" in path
