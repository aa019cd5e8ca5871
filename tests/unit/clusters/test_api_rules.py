"""Why an API server would refuse a manifest, in a sentence that stays short."""

from __future__ import annotations

from typing import Any

from harness.clusters.api_rules import refused


def config_map(*keys: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": dict.fromkeys(keys, "b")}


def test_what_is_taken_has_no_words() -> None:
    assert refused(config_map("a", "b")) == ""


def test_of_many_fields_the_first_three_are_told() -> None:
    told = refused(config_map("a b", "c d", "e f", "g h", "i j"))
    assert told.startswith('data[a b]: Invalid value: "a b": a valid config key must ')
    assert "data[e f]" in told
    assert told.endswith("; and 2 more")


def test_what_would_hide_in_a_terminal_is_shown() -> None:
    assert "\x1b" not in refused(config_map("a\x1b[2J"))
