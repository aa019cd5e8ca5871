"""How long things took beyond what the manifest asks for."""

from __future__ import annotations

import pytest

from harness.traces.durations import durations
from harness.traces.lifecycles import lifecycles
from tests.unit.traces.literal import trace
from tests.unit.traces.test_invariants import ROLLING


def test_every_duration_is_measured() -> None:
    assert {
        what: tuple(round(value, 1) for value in values)
        for what, values in durations(lifecycles(trace(ROLLING))).items()
    } == {
        "pod created until scheduled": (0.1, 0.1),
        "scheduled until a container runs": (0.3, 0.2),
        "running until Ready, beyond the first probes": (0.0, 0.0),
        "Ready until its endpoint is ready": (0.1, 0.1),
        "deletion until its endpoint is terminating": (0.2,),
        "deletion until containers ended, beyond preStop": (0.3,),
        "containers ended until gone": (0.8,),
        "Ready until available, beyond minReadySeconds": (0.1, 0.1),
        "progress until its deadline is exceeded, beyond the deadline": (1.0,),
    }


@pytest.mark.parametrize(("ready", "beyond"), [("1.0", 0.0), ("10.9", 0.0), ("13.0", 2.0)])
def test_missing_the_first_probe_costs_a_period_by_chance(ready: str, beyond: float) -> None:
    text = f"0 pod a r1 period=10\n0.5 pod a scheduled\n1.0 pod a running\n{ready} pod a ready"
    assert durations(lifecycles(trace(text)))["running until Ready, beyond the first probes"] == (
        pytest.approx(beyond),
    )
