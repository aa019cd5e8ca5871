"""Fields that Kubernetes does not know are found without a cluster, wherever they stand, and nothing else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.clusters.api_fields import unknown_fields
from harness.manifests.read import read_manifests


def deployment(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (deployment(replica=2), 'unknown field "spec.replica"; did you mean replicas?'),
        (deployment(Replicas=2), 'unknown field "spec.Replicas"; did you mean replicas?'),
        (deployment(zzz=1), 'unknown field "spec.zzz"'),
        (
            deployment(template={"spec": {"containers": [{}, {"readynessProbe": {}}]}}),
            'unknown field "spec.template.spec.containers[1].readynessProbe"; did you mean readinessProbe?',
        ),
        (
            {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80, "targetport": 8080}]}},
            'unknown field "spec.ports[0].targetport"; did you mean targetPort?',
        ),
        (
            {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": {"paralelism": 1}}}},
            'unknown field "spec.jobTemplate.spec.paralelism"; did you mean parallelism?',
        ),
        (
            {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": {"minReplica": 1}},
            'unknown field "spec.minReplica"; did you mean minReplicas?',
        ),
        ({"apiVersion": "v1", "kind": "Pod", "spce": {}}, 'unknown field "spce"; did you mean spec?'),
    ],
)
def test_an_unknown_field_is_named_with_its_path_and_what_was_probably_meant(
    manifest: dict[str, Any], says: str
) -> None:
    assert [str(each) for each in unknown_fields(manifest)] == [says]


@pytest.mark.parametrize(
    "manifest",
    [
        {"apiVersion": "shop.example/v1", "kind": "Deployment", "spec": {"any": "thing"}},
        {"apiVersion": "shop.example/v1", "kind": "Till", "spec": {"any": "thing"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"any": "thing"}, "binaryData": {"other": "eA=="}},
        deployment(template={"metadata": {"labels": {"any": "a"}, "annotations": {"thing": "b"}}}),
        deployment(template={"spec": {"containers": [{"resources": {"limits": {"example.com/gpu": 1}}}]}}),
        deployment(template=3, **{"$patch": "delete"}),
        deployment(template={"spec": {"volumes": [{"csi": {"driver": "d", "volumeAttributes": {"any": "a"}}}]}}),
    ],
    ids=["another group", "a custom kind", "data", "labels", "resources", "another type", "a driver's own"],
)
def test_what_takes_any_key_is_left_alone(manifest: dict[str, Any]) -> None:
    assert unknown_fields(manifest) == ()


def test_the_fixtures_have_none(repository: Path) -> None:
    files = sorted((repository / "fixtures" / "manifests").glob("*.yaml"))
    assert files
    assert {
        file.name: found for file in files for each in read_manifests([file]) if (found := unknown_fields(each))
    } == {}
