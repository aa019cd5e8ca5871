"""The store: versions, histories, subscriptions."""

from __future__ import annotations

import pytest

from harness.sandbox.apiserver import store as stores
from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.resources import CONFIG_MAPS, PODS
from harness.sandbox.apiserver.selectors import Selector, parse
from harness.sandbox.apiserver.store import Store

ALL = Selector()


def put(store: Store, name: str, labels: dict[str, str] | None = None) -> int:
    metadata = {"name": name, "namespace": "default", "labels": labels or {}}
    return store.put(CONFIG_MAPS, {"metadata": metadata}).version


def told(subscription: stores.Subscription) -> str:
    """`+a ~a -a`: what was queued, in order."""
    signs = {"ADDED": "+", "MODIFIED": "~", "DELETED": "-"}
    return " ".join(signs[kind] + stored.obj["metadata"]["name"] for kind, stored in subscription.queue)


def test_a_watch_from_a_version_tells_what_came_after_it() -> None:
    store = Store()
    put(store, "a")
    since = put(store, "b")
    put(store, "b")
    store.remove(CONFIG_MAPS, "default", "a")
    assert told(store.subscribe(CONFIG_MAPS, "", ALL, since)) == "~b -a"
    assert told(store.subscribe(CONFIG_MAPS, "", ALL, None)) == "+b"
    assert told(store.subscribe(CONFIG_MAPS, "other", ALL, since)) == ""
    assert told(store.subscribe(PODS, "", ALL, since)) == ""


def test_selectors_turn_changes_into_comings_and_goings() -> None:
    store = Store()
    subscription = store.subscribe(CONFIG_MAPS, "", parse(CONFIG_MAPS, "app=web", ""), None)
    for labels in ({}, {"app": "web"}, {"app": "web", "x": "y"}, {"app": "db"}, {"app": "web"}):
        put(store, "a", labels)
    store.remove(CONFIG_MAPS, "default", "a")
    assert told(subscription) == "+a ~a -a +a -a"


def test_the_past_is_bounded_and_what_lies_before_it_is_gone() -> None:
    store = Store(history=3)
    versions = [put(store, "a") for _ in range(5)]
    assert told(store.subscribe(CONFIG_MAPS, "", ALL, versions[1])) == "~a ~a ~a"
    with pytest.raises(StatusError) as refused:
        store.subscribe(CONFIG_MAPS, "", ALL, versions[0])
    assert (refused.value.code, refused.value.reason) == (410, "Expired")


def test_compaction_spares_running_watches() -> None:
    store = Store()
    since = put(store, "a")
    running = store.subscribe(CONFIG_MAPS, "", ALL, since)
    put(store, "b")
    store.compact()
    put(store, "c")
    assert told(running) == "+b +c"
    with pytest.raises(StatusError, match="too old resource version"):
        store.subscribe(CONFIG_MAPS, "", ALL, since)


def test_a_full_queue_drops_its_subscription_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "QUEUE", 3)
    store, cut = Store(), []
    lazy, brisk = (store.subscribe(CONFIG_MAPS, "", ALL, None) for _ in range(2))
    lazy.on_drop = lambda: cut.append(True)
    for n in range(5):
        put(store, f"c{n}")
        brisk.queue.clear()
    assert (lazy.dropped, len(lazy.queue), cut) == (True, 0, [True])
    assert not brisk.dropped


def test_lists_are_sorted_by_namespace_and_name() -> None:
    store = Store()
    for namespace, name in (("b", "x"), ("a", "z"), ("a", "y")):
        store.put(CONFIG_MAPS, {"metadata": {"name": name, "namespace": namespace}})
    keys = [(item.obj["metadata"]["namespace"], item.obj["metadata"]["name"]) for item in store.items(CONFIG_MAPS)]
    assert keys == [("a", "y"), ("a", "z"), ("b", "x")]
