"""A judged run -> nothing, or `HarnessStalled`: the machine stood still under it, and its test is made again."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

REASONS = frozenset({"harness-stalled", "load-generator"})
"""What a run is inconclusive by where its machine had no time for it, be it for the harness or for the load."""


class HarnessStalled(Exception):
    """A run was judged inconclusive by one of `REASONS`: it shows nothing of what the test asks."""


again_where_stalled = pytest.mark.flaky(reruns=2, only_rerun=None if "CI" in os.environ else [HarnessStalled])
"""Marks what calls `unless_stalled`; no other failure is forgiven but in CI, where all is made again (Makefile)."""


def unless_stalled(*reasons: str | None) -> None:
    """Goes on where none of the reasons of the test's runs is that the machine stood still."""
    if stalled := REASONS.intersection(reasons):
        raise HarnessStalled(f"a run was judged inconclusive ({', '.join(stalled)})")


def unless_stalled_in(out: Path) -> None:
    """The same of every scenario that was judged in `out`, the folder of one run or several, if it is there."""
    results = (json.loads(path.read_text()) for path in out.rglob("result.json"))
    scenarios = (scenario for result in results for scenario in result.get("scenarios", [result]))
    unless_stalled(*(scenario["reason"] for scenario in scenarios))
