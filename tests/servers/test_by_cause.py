"""Recall and precision of each cause on recorded rollouts of real servers, and what the table counts."""

from __future__ import annotations

from collections import Counter

from scripts import accuracy_by_cause


def test_each_cause_of_the_servers_is_found_and_named_rightly() -> None:
    text, good = accuracy_by_cause.table(accuracy_by_cause.of_servers())
    assert good, text
    assert "`termination-race`" in text
    assert "`in-flight-kill`" in text


def test_recall_and_precision_are_of_the_true_and_of_the_named() -> None:
    told = Counter({("in-flight-kill", "in-flight-kill"): 30, ("in-flight-kill", "application"): 10})
    text, good = accuracy_by_cause.table([told, Counter({("termination-race", "in-flight-kill"): 20})])
    assert not good
    assert "| `in-flight-kill` | 40 | 75.0 % | 60.0 % | 0.0 %, - |" in text
    assert "| `termination-race` | 20 (few) | 0.0 % | - | 100.0 %, 33.3 % |" in text
