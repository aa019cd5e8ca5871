"""What the table of hazards says mends a manifest does mend it."""

from __future__ import annotations

from copy import deepcopy

import pytest

from harness.manifests.mends import MENDS, mended
from harness.model.run import MeasuredService
from harness.spec.around import Around
from harness.spec.hazards import HazardId, hazards
from harness.spec.workload import pod_spec
from tests.unit.spec.objects import Object, container, rolling, service, workload

ELSEWHERE = container(readinessProbe={"httpGet": {"port": 9090}, "periodSeconds": 3})
CASES: dict[HazardId, list[Object]] = {
    HazardId.RECREATE: [workload(strategy={"type": "Recreate"})],
    HazardId.MAX_UNAVAILABLE_ALL: [
        workload(replicas=1, **rolling(0, 0)),
        workload(replicas=1, **rolling(0, 1)),
        workload(replicas=2, **rolling(1, "100%")),
        workload(replicas=1, strategy={"rollingUpdate": {"maxUnavailable": 1}}),
    ],
    HazardId.LONE_STATEFUL_POD: [workload("StatefulSet", replicas=1)],
    HazardId.NO_READINESS_PROBE: [
        workload("Deployment", container(readinessProbe=None)),
        workload("Deployment", container(readinessProbe=None), {"name": "sidecar"}),
    ],
    HazardId.PROBE_ON_ANOTHER_PORT: [workload("Deployment", ELSEWHERE)],
}


def found(subject: Object) -> set[HazardId]:
    return {hazard.id for hazard in hazards(subject, (service(),))}


def test_each_mend_has_its_cases() -> None:
    assert CASES.keys() | {HazardId.LONE_POD, HazardId.SIDECAR_STOPS_FIRST} == MENDS.keys()


def test_containers_beside_the_one_that_serves_sleep_as_long_as_that() -> None:
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 7}}}}
    before = workload("Deployment", container(**hook), {"name": "php"})
    after = mended(before, service(), MEASURED, [HazardId.SIDECAR_STOPS_FIRST])
    assert [each["lifecycle"] for each in pod_spec(after)["containers"]] == [hook["lifecycle"]] * 2
    assert HazardId.SIDECAR_STOPS_FIRST in {one.id for one in hazards(before, (service(),), around=Around())}
    assert HazardId.SIDECAR_STOPS_FIRST not in {one.id for one in hazards(after, (service(),), around=Around())}


def test_a_lone_pod_gets_another_beside_it() -> None:
    after = mended(workload(replicas=1), service(), MeasuredService(name="web", port=80), [HazardId.LONE_POD])
    assert hazards(workload(replicas=1), (service(),), disruption="evict") != ()
    assert hazards(after, (service(),), disruption="evict") == ()


@pytest.mark.parametrize(("hazard", "subject"), [(hazard, one) for hazard, some in CASES.items() for one in some])
def test_a_mended_workload_has_the_hazard_no_longer_and_no_other_instead(hazard: HazardId, subject: Object) -> None:
    before = deepcopy(subject)
    assert hazard in found(subject)
    after = mended(subject, service(), MeasuredService(name="web", port=80), [hazard])
    assert found(after) == found(subject) - {hazard}
    assert subject == before


MEASURED = MeasuredService(name="web", port=80)
STARTUP = {"tcpSocket": {"port": "http"}, "periodSeconds": 1, "failureThreshold": 600}


def test_a_probe_that_is_there_stays_and_another_waits_for_the_port_that_serves() -> None:
    after = mended(workload("Deployment", ELSEWHERE), service(), MEASURED, ["probe-on-another-port"])
    (served,) = after["spec"]["template"]["spec"]["containers"]
    assert (served["readinessProbe"], served["startupProbe"]) == (ELSEWHERE["readinessProbe"], STARTUP)
    again = mended(after, service({"port": 80, "targetPort": 81}), MEASURED, ["probe-on-another-port"])
    assert again == after  # who serves port 81 is not known, and two startup probes there cannot be


def test_a_port_that_only_the_service_names_gets_no_probe() -> None:
    before = workload("Deployment", ELSEWHERE)
    nowhere = service({"port": 80, "targetPort": "nowhere"})
    assert mended(before, nowhere, MeasuredService(name="web", port=80), [HazardId.PROBE_ON_ANOTHER_PORT]) == before
