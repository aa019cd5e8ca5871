"""Every hazard is found by the smallest change of a workload without any, and told with its values."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.result import Cause
from harness.spec.hazards import BY_MANIFEST, HAZARDS, HazardId, hazards, row
from tests.unit.spec.objects import Object, container, hook, rolling, service, shell, workload


def found(subject: Object, *services: Object) -> tuple[HazardId, ...]:
    return tuple(hazard.id for hazard in hazards(subject, services or (service(),)))


def apart(**more: Any) -> Object:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}, **more}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


CASES: dict[HazardId, list[tuple[Object, str]]] = {
    HazardId.RECREATE: [(workload(strategy={"type": "Recreate"}), "strategy: Recreate")],
    HazardId.MAX_UNAVAILABLE_ALL: [
        (workload(replicas=1, **rolling(0, 0)), "1 of 1 may be unavailable"),
        (workload(replicas=2, **rolling(1, "100%")), "2 of 2 may be unavailable"),
    ],
    HazardId.LONE_STATEFUL_POD: [(workload("StatefulSet", replicas=1), "replicas: 1")],
    HazardId.NO_READINESS_PROBE: [(workload("Deployment", container(readinessProbe=None)), "no container has")],
    HazardId.PROBE_ON_ANOTHER_PORT: [
        (
            workload("Deployment", container(readinessProbe={"httpGet": {"port": 9090}})),
            "the probe asks 9090, the Service sends to http",
        )
    ],
    HazardId.PROBE_PORT_UNNAMED: [
        (workload("Deployment", container(**{probe: {"httpGet": {"port": "admin"}}})), "port: admin in web")
        for probe in ("readinessProbe", "startupProbe")
    ],
    HazardId.PROBE_ASKS_NOTHING: [
        (workload("Deployment", container(readinessProbe={"exec": {"command": command}})), "always succeeds in web")
        for command in (["true"], ["/bin/true"], ["sh", "-c", "exit 0"], ["/bin/bash", "-ec", " :; "])
    ],
    HazardId.NO_PRESTOP: [
        (workload("Deployment", container(lifecycle=None)), "no preStop in web"),
        (
            workload("Deployment", container(**hook(tcpSocket={"port": 80}))),
            "no preStop in web: a tcpSocket never runs",
        ),
        (workload("Deployment", container(lifecycle={"preStop": {"sleep": {"seconds": 0}}})), "no preStop in web"),
    ],
    HazardId.PRESTOP_OUTLASTS_GRACE: [
        (workload("Deployment", container(**hook(sleep={"seconds": 30}))), "the hook takes 30 s"),
        (workload("Deployment", container(**shell("drain; sleep 1m"))), "the hook takes 60 s"),
        (workload(pod={"terminationGracePeriodSeconds": 5}), "terminationGracePeriodSeconds is 5"),
    ],
    HazardId.NO_MIN_READY: [(workload(minReadySeconds=0), "minReadySeconds: 0")],
    HazardId.PROGRESS_DEADLINE_TOO_SHORT: [
        (workload(progressDeadlineSeconds=5), "a step takes at least 5 s"),
        (
            workload(
                "Deployment",
                container(readinessProbe={"initialDelaySeconds": 20, "httpGet": {"port": 80}}),
                progressDeadlineSeconds=25,
            ),
            "a step takes at least 25 s",
        ),
    ],
    HazardId.ON_DELETE: [(workload("StatefulSet", updateStrategy={"type": "OnDelete"}), "updateStrategy: OnDelete")],
    HazardId.PAUSED: [(workload(paused=True), "paused: true")],
    HazardId.STATEFUL_MAX_UNAVAILABLE: [
        (
            workload("StatefulSet", updateStrategy={"rollingUpdate": {"maxUnavailable": "50%"}}),
            "maxUnavailable: 50%",
        )
    ],
    HazardId.PARTITION: [
        (workload("StatefulSet", updateStrategy={"rollingUpdate": {"partition": 2}}), "partition: 2, replicas: 3")
    ],
    HazardId.PARTITION_KEEPS_ALL: [
        (workload("StatefulSet", updateStrategy={"rollingUpdate": {"partition": 3}}), "partition: 3, replicas: 3"),
        (workload("StatefulSet", updateStrategy={"rollingUpdate": {"partition": 9}}), "partition: 9, replicas: 3"),
    ],
    HazardId.HOST_NETWORK: [(workload(pod={"hostNetwork": True}), "hostNetwork: true")],
    HazardId.HOST_PORT: [
        (
            workload("Deployment", container(ports=[{"name": "http", "containerPort": 80, "hostPort": 8080}])),
            "hostPort: 8080",
        )
    ],
    HazardId.APART_FROM_OLD_PODS: [
        (workload(pod=apart()), "required podAntiAffinity by kubernetes.io/hostname, maxUnavailable comes to 0"),
        (workload(pod=apart(matchLabelKeys=["app"])), "by kubernetes.io/hostname"),
    ],
    HazardId.ROOT_BY_NUMBER: [
        (
            workload(pod={"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}),
            "runAsNonRoot: true and runAsUser: 0 in web",
        )
    ],
    HazardId.IMAGE_NAME: [
        (workload("Deployment", container(image=name)), f"image: {name}")
        for name in ("Shop:1", "gcr.io/PROJECT_ID/shop", "$IMAGE", "shop: 1", "shop:", "shop@sha256:1")
    ],
}


def test_there_is_a_case_for_every_row_and_a_row_for_every_name() -> None:
    others = {HazardId.HEADLESS, HazardId.PUBLISHES_NOT_READY, HazardId.LONE_POD}  # the Service's; no update's
    others |= {row.id for row in BY_MANIFEST}  # docs/rules has a case for each
    assert [row.id for row in HAZARDS] == list(HazardId)
    assert list(CASES) == [each for each in HazardId if each not in others]


@pytest.mark.parametrize("disruption", ["delete-pod", "evict", "drain"])
def test_what_takes_pods_finds_a_lone_one_a_hazard_whatever_the_update_would_do(disruption: str) -> None:
    (told,) = hazards(workload(replicas=1), [service()], disruption=disruption)
    assert (told.id, told.found, told.gap) == (HazardId.LONE_POD, "replicas: 1", True)
    (told,) = hazards(workload("StatefulSet", replicas=1), [service()], disruption=disruption)
    assert told.id is HazardId.LONE_STATEFUL_POD
    assert hazards(workload(replicas=2), [service()], disruption=disruption) == ()


@pytest.mark.parametrize(
    "hazard",
    [
        HazardId.RECREATE,
        HazardId.NO_MIN_READY,
        HazardId.PROGRESS_DEADLINE_TOO_SHORT,
        HazardId.ON_DELETE,
        HazardId.STATEFUL_MAX_UNAVAILABLE,
        HazardId.PARTITION,
        HazardId.PARTITION_KEEPS_ALL,
    ],
)
def test_what_is_wrong_with_updates_is_nothing_to_a_disruption_that_makes_none(hazard: HazardId) -> None:
    for subject, _ in CASES[hazard]:
        assert hazards(subject, [service()], disruption="evict") == ()
        assert hazards(subject, [service()], disruption="scale") == ()
        assert found(subject) == (hazard,)


def test_what_only_a_manifest_without_a_run_tells_is_told_to_no_run() -> None:
    for subject in (subject for cases in CASES.values() for subject, _ in cases):
        for disruption in (None, "evict", "scale"):
            told = {hazard.id for hazard in hazards(subject, [service()], disruption=disruption)}
            assert not told & {row.id for row in BY_MANIFEST}


def test_scaling_up_takes_no_pod() -> None:
    assert hazards(workload(replicas=1), [service()], disruption="scale") == ()
    assert hazards(workload("StatefulSet", replicas=1), [service()], disruption="scale") == ()


def test_a_service_that_lists_pods_which_are_not_ready_is_a_hazard_unless_it_is_for_names_alone() -> None:
    lists = service()
    lists["spec"]["publishNotReadyAddresses"] = True
    (told,) = hazards(workload(), [service(), lists])
    assert (told.id, told.where) == (HazardId.PUBLISHES_NOT_READY, "Service")
    assert told.found == "publishNotReadyAddresses: true in Service web"
    lists["spec"]["clusterIP"] = "None"
    assert hazards(workload(), [service(), lists]) == ()


def test_a_headless_service_is_a_hazard_where_no_other_stands_before_the_workload() -> None:
    headless = service()
    headless["spec"]["clusterIP"] = "None"
    (told,) = hazards(workload(), [headless])
    assert (told.id, told.found, told.blocks) == (HazardId.HEADLESS, "clusterIP: None in Service web", True)
    assert found(workload(), headless, service()) == ()
    assert hazards(workload(), []) == ()


@pytest.mark.parametrize(
    ("hazard", "subject", "values"),
    [(hazard, subject, values) for hazard, cases in CASES.items() for subject, values in cases],
)
def test_a_hazard_is_found_alone_and_told_with_its_values(hazard: HazardId, subject: Object, values: str) -> None:
    (told,) = hazards(subject, [service()])
    assert told.id is hazard
    assert values in told.sentence
    assert "{" not in told.sentence + told.mend
    assert told.path.startswith("spec.")


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_a_workload_without_hazards_has_none(kind: str) -> None:
    assert found(workload(kind)) == ()


@pytest.mark.parametrize(
    "subject",
    [
        workload(replicas=1),  # 25 % of 1 may surge, and none be unavailable
        workload(replicas=2, **rolling(0, 1)),
        workload(replicas=0, **rolling(0, "100%")),
        workload("Deployment", container(readinessProbe={"exec": {"command": ["/healthy"]}})),
        workload("Deployment", container(readinessProbe={"exec": {"command": ["sh", "-c", "true && curl -f :80"]}})),
        workload(
            "Deployment",
            container(readinessProbe={"exec": {"command": ["true"]}}, startupProbe={"tcpSocket": {"port": 80}}),
        ),
        workload("Deployment", container(readinessProbe={"tcpSocket": {"port": 80}})),
        workload("Deployment", container(), {"name": "sidecar"}),
        workload("StatefulSet", progressDeadlineSeconds=1),
        workload("StatefulSet", updateStrategy={"rollingUpdate": {"maxUnavailable": 1}}),
        workload("StatefulSet", updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}),
    ],
)
def test_what_looks_like_a_hazard_and_is_none(subject: Object) -> None:
    assert found(subject) == ()


def test_several_are_told_in_the_tables_order() -> None:
    bare = workload("Deployment", {"name": "web"}, replicas=1, paused=True, minReadySeconds=None, **rolling(0, 1))
    assert found(bare) == (
        HazardId.MAX_UNAVAILABLE_ALL,
        HazardId.NO_READINESS_PROBE,
        HazardId.NO_PRESTOP,
        HazardId.NO_MIN_READY,
        HazardId.PAUSED,
    )


def test_a_hazard_depends_on_how_many_replicas_there_are() -> None:
    lone = workload("StatefulSet", replicas=1)
    assert hazards(lone, [], replicas=2) == ()


@pytest.mark.parametrize(("surge", "mend"), [(1, "maxUnavailable: 0"), (0, "maxSurge: 1 and maxUnavailable: 0")])
def test_what_mends_it_leaves_the_update_a_way_to_go_on(surge: Any, mend: str) -> None:
    (told,) = hazards(workload(replicas=2, **rolling(surge, 2)), [service()])
    assert told.mend == mend


def test_a_gap_is_what_takes_all_endpoints_away() -> None:
    assert all(row.gap == (row.cause is Cause.NO_ENDPOINTS) for row in HAZARDS)


def test_a_row_is_had_by_its_name() -> None:
    assert row(HazardId.NO_READINESS_PROBE).mend == "a readiness probe on every container"


@pytest.mark.parametrize(
    "harmless",
    [
        workload(pod=apart(matchLabelKeys=["pod-template-hash"])),
        workload(pod=apart(labelSelector={"matchLabels": {"app": "other"}})),
        workload(pod=apart(), **rolling(0, 1)),
        workload("StatefulSet", pod=apart()),
    ],
)
def test_pods_that_keep_apart_hold_up_only_an_update_that_brings_a_new_one_first(harmless: Object) -> None:
    assert HazardId.APART_FROM_OLD_PODS not in found(harmless)


@pytest.mark.parametrize(
    "image",
    ["shop", "shop:v1.2_a-b", "Reg.example/shop", "localhost:5000/b-c__d.e:1", "[::1]:5000/a", "a@sha512:" + "0f" * 64],
)  # fmt: skip
def test_a_name_that_a_node_can_pull_is_none(image: str) -> None:
    assert HazardId.IMAGE_NAME not in found(workload("Deployment", container(image=image)))
