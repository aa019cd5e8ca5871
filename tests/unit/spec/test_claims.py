"""No cure is advised that would have two pods use what one alone may, or that would be another database."""

from __future__ import annotations

from typing import Any

import pytest

from harness.spec.around import Around
from harness.spec.hazards import Hazard, HazardId, hazards
from harness.spec.rollout_shape import cures, rollout_shape
from tests.unit.spec.objects import Object, container, rolling, service, workload

VOLUMES: Object = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}, {"emptyDir": {}}]}
SHARED = "an old pod and a new one would share data"


def claim(*modes: str, name: str = "data") -> Object:
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": {"accessModes": list(modes)}}


def told(subject: Object, *claims: Object) -> dict[HazardId, Hazard]:
    return {one.id: one for one in hazards(subject, [service()], around=Around(), claims=claims)}


@pytest.mark.parametrize(
    ("hazard", "spec", "instead"),
    [
        (HazardId.RECREATE, {"strategy": {"type": "Recreate"}}, "no setting of its rollout"),
        (HazardId.MAX_UNAVAILABLE_ALL, rolling(1, 1), "no setting of its rollout"),
        (HazardId.LONE_POD, rolling(0, 1), "no second replica"),
    ],
)
@pytest.mark.parametrize("modes", [None, ["ReadWriteOnce"], ["ReadWriteOncePod"]])
def test_no_second_pod_is_advised_beside_one_whose_claim_it_would_share(
    hazard: HazardId, spec: Object, instead: str, modes: list[str] | None
) -> None:
    known = [] if modes is None else [claim(*modes)]
    one = told(workload(replicas=1, pod=VOLUMES, **spec), *known)[hazard]
    assert one.mend.startswith(f"what {instead} gives, for {SHARED}: an outage is part of it")
    assert one.stays.endswith(f"stays, for {SHARED}")


def test_a_claim_that_several_pods_may_use_keeps_no_cure_away() -> None:
    alone = workload(replicas=1, pod=VOLUMES, **rolling(1, 1))
    found = told(alone, claim("ReadWriteOnce", "ReadWriteMany"), claim("ReadWriteOnce", name="other"))
    assert found[HazardId.MAX_UNAVAILABLE_ALL].mend == "maxUnavailable: 0"
    assert found[HazardId.LONE_POD].mend == "more than 1 replica"
    assert {one.stays for one in found.values()} == {""}


def test_a_claim_of_an_unknown_mode_that_several_pods_use_is_one_for_several() -> None:
    several = workload(replicas=2, pod=VOLUMES, **rolling(1, 2))
    assert told(several)[HazardId.MAX_UNAVAILABLE_ALL].mend == "maxUnavailable: 0"
    assert SHARED in told(several, claim("ReadWriteOnce"))[HazardId.MAX_UNAVAILABLE_ALL].mend


def test_another_pod_of_a_stateful_set_with_claims_is_another_database() -> None:
    templates = [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]
    (one,) = told(workload("StatefulSet", replicas=1, volumeClaimTemplates=templates)).values()
    assert one.id is HazardId.LONE_STATEFUL_POD
    assert one.mend == (
        "what no second replica gives, for a second pod has a claim data of its own, which begins empty: an outage is "
        "part of it, unless the application replicates its data"
    )
    assert told(workload("StatefulSet", replicas=2, volumeClaimTemplates=templates)) == {}
    (one,) = told(workload("StatefulSet", replicas=1)).values()
    assert (one.mend, one.stays) == ("more than 1 replica", "")


@pytest.mark.parametrize(
    ("spec", "modes", "found"),
    [
        ({}, ["ReadWriteOnce"], "maxSurge comes to 1, data: ReadWriteOnce"),
        (rolling("50%", 0), ["ReadWriteOncePod"], "maxSurge comes to 2, data: ReadWriteOncePod"),
        (rolling(0, 1), ["ReadWriteOnce"], None),
        ({"strategy": {"type": "Recreate"}}, ["ReadWriteOnce"], None),
        ({}, ["ReadWriteMany"], None),
        ({}, ["ReadOnlyMany"], None),
        ({}, [], None),
    ],
)
def test_an_update_that_brings_a_second_pod_to_a_claim_for_one_is_warned_of(
    spec: Any, modes: list[str], found: str | None
) -> None:
    one = told(workload(pod=VOLUMES, **spec), claim(*modes)).get(HazardId.SURGE_ON_ONE_CLAIM)
    assert (one.found if one is not None else None) == found


def test_what_a_run_advises_is_no_danger_either_and_what_it_applies_is_what_mends() -> None:
    bare = workload("Deployment", container(readinessProbe=None), pod=VOLUMES, strategy={"type": "Recreate"})
    found = rollout_shape([bare, service(), claim("ReadWriteOnce")])
    assert SHARED in found.gap_cure
    assert found.mends == ("no-readiness-probe",)
    assert cures(found)[0] == "a readiness probe on every container"
    assert rollout_shape([bare, service()], disruption="evict").mends == ("no-readiness-probe",)


def test_a_budget_beside_a_pod_that_stands_alone_asks_for_no_other() -> None:
    from harness.spec.counts import Budget

    around = Around(budget=Budget(name="PodDisruptionBudget web", field="minAvailable", value=1))
    for pod, more in ((VOLUMES, ""), ({}, ", with more than one replica")):
        found = hazards(workload(replicas=1, pod=pod), [service()], around=around)
        (one,) = (each for each in found if each.id is HazardId.BUDGET_BLOCKS_DRAINS)
        assert one.mend == f"a budget that lets one pod go (maxUnavailable: 1){more}"
