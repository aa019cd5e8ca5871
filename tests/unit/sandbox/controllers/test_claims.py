"""A StatefulSet's volumeClaimTemplates: a claim for each pod, and the volume that stands for it."""

from __future__ import annotations

from typing import Any

from harness.sandbox.controllers.statefulsetsteps import Situation, claims_of, pod_of


def stateful_set(**spec: Any) -> dict[str, Any]:
    templates = [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]
    pod = {"containers": [{"name": "db"}], "volumes": [{"name": "data", "emptyDir": {}}, {"name": "conf"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "shop", "uid": "1"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "db"}},
            "template": {"metadata": {"labels": {"app": "db"}}, "spec": pod},
            "volumeClaimTemplates": templates,
            "updateStrategy": {"type": "RollingUpdate"},
            **spec,
        },
    }


def situation(owner: dict[str, Any]) -> Situation:
    template = owner["spec"]["template"]
    revision = {"metadata": {"name": "db-1"}, "data": {"spec": {"template": template}}}
    return Situation(stateful_set=owner, pods=(), current=revision, update=revision, now_s=0.0)


def test_each_pod_has_a_claim_of_its_own_for_each_template() -> None:
    (claim,) = claims_of(stateful_set(), 1)
    assert claim["kind"] == "PersistentVolumeClaim"
    assert claim["metadata"] == {"name": "data-db-1", "labels": {"app": "db"}}
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"]}


def test_the_pods_volume_is_its_claim_instead_of_the_templates_of_that_name() -> None:
    volumes = pod_of(situation(stateful_set()), 1)["spec"]["volumes"]
    assert volumes == [{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-1"}}, {"name": "conf"}]


def test_without_templates_the_volumes_stay() -> None:
    volumes = pod_of(situation(stateful_set(volumeClaimTemplates=None)), 0)["spec"]["volumes"]
    assert [volume["name"] for volume in volumes] == ["data", "conf"]
