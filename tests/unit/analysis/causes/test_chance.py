"""Losses held against chance, where nearly all was lost: as where somebody deletes the Service."""

from __future__ import annotations

import numpy as np

from harness.analysis.causes.chance import Sample, held_against_chance


def test_thousands_of_losses_before_and_in_a_rollout_are_no_number_too_large() -> None:
    lost = np.arange(10.0, 80.0, 0.01)
    sample = Sample(
        lost=lost,
        suspects=np.ones(len(lost), dtype=np.int64),
        refused=np.zeros(0),
        good=np.arange(0.0, 10.0, 0.01),
        endpoints=1,
        fewest=np.ones(len(lost), dtype=np.int64),
        first=0.0,
        last=80.0,
    )
    found = held_against_chance(sample, [(75.0, 76.0)], [(75.0, 80.0)])
    assert len(found.chance) == len(lost)
    assert found.chance.all(), "what was lost so long before is no rollout's"
