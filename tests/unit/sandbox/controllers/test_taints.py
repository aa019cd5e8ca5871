"""For how long a pod may stay on a tainted node."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.sandbox.controllers.taints import tolerated_for_s

Object = dict[str, Any]
GONE = {"key": "gone", "effect": "NoExecute"}
SICK = {"key": "sick", "value": "yes", "effect": "NoExecute"}


def tolerating(key: str = "", **more: Any) -> Object:
    return {"key": key, "operator": "Exists", **more}


@pytest.mark.parametrize(
    ("tolerations", "taints", "stays_s"),
    [
        ([], [GONE], 0),
        ([tolerating("gone")], [GONE], math.inf),
        ([tolerating("gone", tolerationSeconds=30)], [GONE], 30),
        ([tolerating("gone", tolerationSeconds=30), tolerating("sick")], [GONE, SICK], 30),
        ([tolerating("gone", tolerationSeconds=30), tolerating("sick", tolerationSeconds=5)], [GONE, SICK], 5),
        ([tolerating("gone", tolerationSeconds=30), tolerating("sick", tolerationSeconds=5)], [GONE], 30),
        ([tolerating("gone", tolerationSeconds=-1)], [GONE], 0),
        ([tolerating("gone")], [GONE, SICK], 0),
        ([tolerating()], [GONE, SICK], math.inf),
        ([tolerating("gone", effect="NoSchedule")], [GONE], 0),
        ([{"key": "sick", "value": "yes"}], [SICK], math.inf),
        ([{"key": "sick", "value": "no"}], [SICK], 0),
    ],
)
def test_the_shortest_toleration_that_is_needed_counts(
    tolerations: list[Object], taints: list[Object], stays_s: float
) -> None:
    assert tolerated_for_s(tolerations, taints) == stays_s
