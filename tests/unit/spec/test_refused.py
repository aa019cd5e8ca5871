"""What an API server refuses is refused before there is one, in its words, with the place."""

from __future__ import annotations

from typing import Any

import pytest

from harness.spec.refused import refusal
from tests.unit.spec.objects import container, workload

RATES = "spec.strategy.rollingUpdate"
AT = "spec.template.spec.containers[0]"


def rolling(**rates: Any) -> dict[str, Any]:
    return workload(strategy={"rollingUpdate": rates})


@pytest.mark.parametrize("surge", [0, "0%", "00%"])
@pytest.mark.parametrize("unavailable", [0, "0%"])
def test_an_update_that_may_neither_add_nor_take_a_pod(surge: int | str, unavailable: int | str) -> None:
    told = refusal(rolling(maxSurge=surge, maxUnavailable=unavailable))
    assert told.startswith(f"{RATES}.maxUnavailable: Invalid value: ")
    assert told.endswith(": may not be 0 when `maxSurge` is 0")


@pytest.mark.parametrize(
    "rates", [{"maxSurge": 0}, {"maxUnavailable": 0}, {"maxSurge": "1%", "maxUnavailable": 0}, {"maxSurge": 10}, {}]
)
def test_what_may_do_one_of_the_two_is_valid_and_so_is_a_default(rates: dict[str, Any]) -> None:
    assert refusal(rolling(**rates)) == ""


def test_recreate_has_no_rates() -> None:
    wrong = workload(strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}})
    assert refusal(wrong) == f"{RATES}: Forbidden: may not be specified when strategy `type` is 'Recreate'"
    assert refusal(workload(strategy={"type": "Recreate"})) == ""


@pytest.mark.parametrize("probe", ["readinessProbe", "livenessProbe", "startupProbe"])
def test_a_probe_asks_in_one_way(probe: str) -> None:
    both = container(**{probe: {"httpGet": {"port": 80}, "exec": {"command": ["true"]}}})
    told = refusal(workload("StatefulSet", both))
    assert told == f"{AT}.{probe}.httpGet: Forbidden: may not specify more than 1 handler type"


def test_a_hook_does_one_thing_also_of_an_init_container() -> None:
    both = {"lifecycle": {"preStop": {"sleep": {"seconds": 5}, "exec": {"command": ["true"]}}}}
    at = "spec.template.spec.initContainers[0].lifecycle.preStop.sleep"
    told = refusal(workload(pod={"initContainers": [container(name="first", **both)]}))
    assert told == f"{at}: Forbidden: may not specify more than 1 handler type"


@pytest.mark.parametrize(
    ("kind", "most"), [("Deployment", 253), ("ConfigMap", 253), ("Service", 63), ("Namespace", 63)]
)
def test_a_name_has_an_end(kind: str, most: int) -> None:
    def named(length: int) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": length * "a"}, "spec": {}}

    assert refusal(named(most)) == ""
    assert refusal(named(most + 1)).startswith("metadata.name: Invalid value: 'aaa")
    assert refusal(named(most + 1)).endswith(f": must be no more than {most} bytes")


def test_a_containers_name_is_a_label() -> None:
    assert refusal(workload("Deployment", container(name=63 * "a"))) == ""
    assert f"{AT}.name: Invalid value: " in refusal(workload("Deployment", container(name=64 * "a")))


def test_a_kind_of_somebody_elses_has_rules_of_its_own() -> None:
    theirs = {"apiVersion": "shop.example.com/v1", "kind": "Service", "metadata": {"name": 90 * "a"}}
    assert refusal(theirs) == ""
