"""Events of the core group and of events.k8s.io, which are the same."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.custom.serving import in_version
from harness.sandbox.apiserver.events import core, modern
from harness.sandbox.apiserver.registry import Registry
from harness.sandbox.apiserver.resources import EVENTS, MODERN_EVENTS, NAMESPACES
from harness.sandbox.apiserver.selectors import parse
from harness.sandbox.apiserver.store import Store

NOW = "2026-01-01T00:00:00.000000Z"


@pytest.fixture
def registry() -> Registry:
    registry = Registry(Store(), lambda: 2e9)
    registry.create(NAMESPACES, "", {"metadata": {"name": "shop"}})
    return registry


def event(**fields: Any) -> dict[str, Any]:
    about = {"kind": "Pod", "namespace": "shop", "name": "web", "uid": "u"}
    told = {"reason": "Started", "action": "Start", "note": "it runs", "type": "Normal", "regarding": about}
    told |= {"reportingController": "example.com/robot", "reportingInstance": "robot-1", "eventTime": NOW}
    return {"metadata": {"name": "e"}, **told, **fields}


def causes(registry: Registry, obj: dict[str, Any]) -> set[str]:
    with pytest.raises(StatusError) as caught:
        registry.create(MODERN_EVENTS, "shop", obj)
    return {cause["field"] for cause in caught.value.details["causes"]}


def test_an_event_of_either_group_is_there_in_both(registry: Registry) -> None:
    made = registry.create(MODERN_EVENTS, "shop", event())
    assert made.obj["apiVersion"] == "events.k8s.io/v1"
    (old,) = registry.store.items(EVENTS, "shop")
    assert (old.obj["apiVersion"], old.obj["message"], old.obj["involvedObject"]["name"]) == ("v1", "it runs", "web")
    legacy = {
        "metadata": {"name": "l"},
        "involvedObject": {"namespace": "shop", "name": "db"},
        "count": 3,
        "message": "m",
    }
    registry.create(EVENTS, "shop", legacy)
    shown = in_version(MODERN_EVENTS, registry.existing(MODERN_EVENTS, "shop", "l")).obj
    assert (shown["note"], shown["deprecatedCount"], shown["regarding"]["name"]) == ("m", 3, "db")
    assert core(modern(old.obj)) == old.obj
    chosen = registry.store.items(MODERN_EVENTS, "shop", parse(MODERN_EVENTS, "", "regarding.name=db"))
    assert [one.obj["metadata"]["name"] for one in chosen] == ["l"]


def test_a_series_is_counted_and_nothing_else_changes(registry: Registry) -> None:
    registry.create(MODERN_EVENTS, "shop", event())
    series = {"count": 2, "lastObservedTime": NOW}
    seen = registry.update(MODERN_EVENTS, "shop", "e", lambda obj: obj | {"series": series})
    assert seen.obj["series"]["count"] == 2
    assert registry.existing(EVENTS, "shop", "e").obj["series"]["count"] == 2
    with pytest.raises(StatusError, match="note: Invalid value"):
        registry.update(MODERN_EVENTS, "shop", "e", lambda obj: obj | {"note": "another"})


def test_what_is_missing_or_of_the_old_form_is_refused(registry: Registry) -> None:
    assert causes(registry, event(eventTime=None, action=None)) == {"eventTime", "action"}
    assert causes(registry, event(type="Odd", deprecatedCount=2, note="x" * 1025)) == {"type", "count", "message"}
    with pytest.raises(StatusError, match=r"does not match event\.namespace"):
        registry.create(EVENTS, "shop", {"metadata": {"name": "l"}, "involvedObject": {"namespace": "other"}})
