"""A judged run -> nothing, or `HarnessStalled`: the machine stood still under it, and its test is made again."""

from __future__ import annotations

import pytest


class HarnessStalled(Exception):
    """A run was judged inconclusive, `harness-stalled`: it shows nothing of what the test asks."""


again_where_stalled = pytest.mark.flaky(reruns=2, only_rerun=[HarnessStalled])
"""Marks what calls `unless_stalled`; no other failure is forgiven."""


def unless_stalled(*reasons: str | None) -> None:
    """Goes on where none of the reasons of the test's runs is that the harness itself stood still."""
    if "harness-stalled" in reasons:
        raise HarnessStalled("a run was judged inconclusive (harness-stalled)")
