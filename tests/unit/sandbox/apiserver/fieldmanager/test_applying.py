"""Server-side apply: who owns what, who is in whose way, and what goes with whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.sandbox.apiserver.api_errors import StatusError

from .owned import Cluster, config_map, deployment, image_only, owners, service, written

IMAGE = '.spec.template.spec.containers[name="nginx"].image'


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def image_of(obj: dict[str, Any]) -> str:
    image: str = obj["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


def set_image(image: str) -> Any:
    def change(obj: dict[str, Any]) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = image

    return change


def test_who_applies_owns_what_he_names_as_a_real_cluster_writes_it(cluster: Cluster) -> None:
    config = deployment(
        env=[{"name": "A", "value": "1"}],
        ports=[{"name": "http", "containerPort": 80}],
        readinessProbe={"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
    )
    config["metadata"]["labels"] = {"app": "web"}
    made = cluster.apply(config, "kubectl")
    recorded = (  # kubectl apply --server-side on 1.36.2
        '{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":'
        '{"f:labels":{"f:app":{}}},"f:spec":{"f:containers":{"k:{\\"name\\":\\"nginx\\"}":{".":{},"f:env":'
        '{"k:{\\"name\\":\\"A\\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:name":{},"f:ports":'
        '{"k:{\\"containerPort\\":80,\\"protocol\\":\\"TCP\\"}":{".":{},"f:containerPort":{},"f:name":{}}},'
        '"f:readinessProbe":{"f:httpGet":{"f:path":{},"f:port":{}},"f:periodSeconds":{}}}}}}}}'
    )
    (entry,) = made["metadata"]["managedFields"]
    assert written(entry["fieldsV1"]) == recorded
    assert {key: entry[key] for key in ("manager", "operation", "apiVersion", "fieldsType")} == {
        "manager": "kubectl", "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
    }  # fmt: skip
    assert entry["time"] == "2023-11-14T22:13:22Z"


def test_another_value_for_a_field_of_somebody_else_is_a_conflict_that_names_him(cluster: Cluster) -> None:
    cluster.apply(deployment(), "kubectl")
    with pytest.raises(StatusError) as refused:
        cluster.apply(image_only("nginx:1.29.1"), "ci")
    assert (refused.value.code, refused.value.reason) == (409, "Conflict")
    assert refused.value.message == f'Apply failed with 1 conflict: conflict with "kubectl": {IMAGE}'
    assert refused.value.details["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl"', "field": IMAGE}
    ]


def test_many_conflicts_are_told_by_manager_with_operation_version_and_subresource(cluster: Cluster) -> None:
    made = cluster.apply(deployment(), "owner")
    cluster.change(made, "kubectl-set", set_image("nginx:1.29.1"))
    cluster.change(made, "kubectl", lambda obj: obj["spec"].update(replicas=3), through="scale")
    with pytest.raises(StatusError) as refused:
        cluster.apply(deployment(), "owner")
    assert refused.value.message == (
        'Apply failed with 2 conflicts: conflicts with "kubectl" with subresource "scale" using apps/v1:\n'
        "- .spec.replicas\n"
        'conflicts with "kubectl-set" using apps/v1:\n'
        f"- {IMAGE}"
    )


def test_force_takes_the_field_and_the_one_who_had_it_conflicts_from_then_on(cluster: Cluster) -> None:
    cluster.apply(deployment(), "kubectl")
    forced = cluster.apply(image_only("nginx:1.29.1"), "ci", force=True)
    assert image_of(forced) == "nginx:1.29.1"
    container = owners(forced)["kubectl Apply"]["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"nginx"}']
    assert "f:image" not in container
    with pytest.raises(StatusError, match='conflict with "ci"'):
        cluster.apply(deployment(), "kubectl")


def test_a_field_of_two_goes_when_both_gave_it_up(cluster: Cluster) -> None:
    cluster.apply(config_map(a="1", b="2"), "one")
    shared = cluster.apply(config_map(a="1"), "two")
    assert shared["data"] == {"a": "1", "b": "2"}
    assert cluster.apply(config_map(b="2"), "one")["data"] == {"a": "1", "b": "2"}, "the other still has it"
    assert cluster.apply(config_map(), "two")["data"] == {"b": "2"}


def test_who_agrees_with_the_value_owns_it_too_without_the_object_changing(cluster: Cluster) -> None:
    cluster.apply(config_map(a="1"), "one")
    both = cluster.apply(config_map(a="1"), "two")
    assert owners(both) == {"one Apply": {"f:data": {"f:a": {}}}, "two Apply": {"f:data": {"f:a": {}}}}
    by = {entry["manager"]: entry for entry in both["metadata"]["managedFields"]}
    assert "time" not in by["two"], "he changed nothing"


def test_the_same_apply_again_changes_nothing_not_even_a_time(cluster: Cluster) -> None:
    first = cluster.apply(deployment(), "kubectl")
    assert cluster.apply(deployment(), "kubectl") == first


def test_what_is_given_up_gets_its_default_back(cluster: Cluster) -> None:
    cluster.apply(deployment(replicas=5))
    assert cluster.apply(deployment(replicas=None))["spec"]["replicas"] == 1


def test_elements_are_told_apart_by_all_their_keys_and_the_default_of_a_key_counts(cluster: Cluster) -> None:
    dns = {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53}
    cluster.apply(service(dns, {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53}), "one")
    merged = cluster.apply(service({"name": "dns-tcp", "port": 53, "targetPort": 53}), "two")
    assert [(port["name"], port["protocol"]) for port in merged["spec"]["ports"]] == [
        ("dns", "UDP"),
        ("dns-tcp", "TCP"),
    ]
    (key,) = owners(merged)["two Apply"]["f:spec"]["f:ports"]
    assert key == 'k:{"port":53,"protocol":"TCP"}'


def test_a_list_has_the_order_of_who_applies_and_others_keep_their_places(cluster: Cluster) -> None:
    def env(*names: str) -> dict[str, Any]:
        return deployment(env=[{"name": name, "value": "1"} for name in names])

    def order(obj: dict[str, Any]) -> str:
        return "".join(item["name"] for item in obj["spec"]["template"]["spec"]["containers"][0]["env"])

    assert order(cluster.apply(env("a", "b"), "one")) == "ab"
    assert order(cluster.apply(env("c", "b"), "two")) == "acb"
    assert order(cluster.apply(env("b", "a"), "one")) == "cba"
    assert order(cluster.apply(env("b"), "one")) == "cb"


def test_a_list_that_is_no_map_is_owned_and_replaced_whole(cluster: Cluster) -> None:
    cluster.apply(deployment(command=["a", "b"]), "one")
    with pytest.raises(StatusError, match=r"\.command$"):
        cluster.apply(deployment(command=["a"]), "two")
    forced = cluster.apply(deployment(command=["a"]), "two", force=True)
    assert forced["spec"]["template"]["spec"]["containers"][0]["command"] == ["a"]


def test_a_set_holds_what_any_of_its_owners_put_in(cluster: Cluster) -> None:
    def held(*finalizers: str) -> dict[str, Any]:
        obj = config_map()
        del obj["data"]  # an empty map is not stored, so that a second one to apply it would be in conflict
        obj["metadata"]["finalizers"] = list(finalizers)
        return obj

    cluster.apply(held("x/a", "x/b"), "one")
    both = cluster.apply(held("x/c"), "two")
    assert both["metadata"]["finalizers"] == ["x/a", "x/b", "x/c"]
    assert written(owners(both)["one Apply"]["f:metadata"]) == ('{"f:finalizers":{"v:\\"x/a\\"":{},"v:\\"x/b\\"":{}}}')
    assert cluster.apply(held("x/a"), "one")["metadata"]["finalizers"] == ["x/a", "x/c"]


def test_giving_everything_up_leaves_what_others_have(cluster: Cluster) -> None:
    cluster.apply(deployment(), "kubectl")
    labels = {**image_only(""), "spec": {}}
    labels["metadata"] = {"name": "web", "labels": {"team": "shop"}, "annotations": {"note": "x"}}
    del labels["spec"]
    assert cluster.apply(labels, "team")["metadata"]["labels"] == {"team": "shop"}
    labels["metadata"] = {"name": "web"}
    left = cluster.apply(labels, "team")
    assert "labels" not in left["metadata"]
    assert "annotations" not in left["metadata"]
    assert list(owners(left)) == ["kubectl Apply"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"replica": 3}, ".spec.replica: field not declared in schema"),
        ({"replicas": "x"}, ".spec.replicas: expected numeric (int or float), got string"),
        ({"paused": "yes"}, ".spec.paused: expected boolean, got &{yes}"),
        ({"template": [1]}, ".spec.template: expected map, got &{[1]}"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_path(cluster: Cluster, change: dict[str, Any], why: str) -> None:
    config = deployment()
    config["spec"] |= change
    with pytest.raises(StatusError) as refused:
        cluster.apply(config)
    assert refused.value.message == f"failed to create typed patch object (/web; apps/v1, Kind=Deployment): {why}"
    assert (refused.value.code, refused.value.reason) == (400, ""), "kubectl shows no reason, as of the real API's 500"


def test_an_element_that_is_given_twice_is_refused(cluster: Cluster) -> None:
    twice = deployment(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}])
    with pytest.raises(StatusError, match=r'\.env: duplicate entries for key \[name="A"\]$'):
        cluster.apply(twice)


def test_status_is_applied_through_its_subresource_alone(cluster: Cluster) -> None:
    config = {**deployment(), "status": {"observedGeneration": 7}}
    made = cluster.apply(config, "one")
    assert "observedGeneration" not in made["status"]
    assert "f:status" not in owners(made)["one Apply"]
    config["spec"]["replicas"] = 9
    changed = cluster.apply(config, "two", part="status")
    assert changed["status"]["observedGeneration"] == 7
    assert changed["spec"]["replicas"] == 2
    assert owners(changed)["two Apply status"] == {"f:status": {"f:observedGeneration": {}}}


def test_what_was_there_before_the_first_apply_has_an_owner_too(cluster: Cluster) -> None:
    made = cluster.create(config_map(a="1"), "kubectl-create")
    cluster.change(made, "any", lambda obj: obj["metadata"].update(managedFields=[{}]))
    applied = cluster.apply(config_map(b="2"), "owner")
    assert list(owners(applied)) == ["owner Apply", "before-first-apply Update"]
    with pytest.raises(StatusError, match='conflict with "before-first-apply" using v1'):
        cluster.apply(config_map(a="2"), "owner")


def test_kubectl_may_take_over_what_its_client_side_apply_left(cluster: Cluster) -> None:
    def applied_by_client(a: str) -> dict[str, Any]:
        obj = config_map(a=a)
        text = json.dumps(obj)
        obj["metadata"] = {**obj["metadata"], "annotations": {"kubectl.kubernetes.io/last-applied-configuration": text}}
        return obj

    cluster.create(applied_by_client("1"), "kubectl-client-side-apply")
    with pytest.raises(StatusError, match="kubectl-client-side-apply"):
        cluster.apply(config_map(a="2"), "ci")
    taken = cluster.apply(config_map(a="2"), "kubectl")
    assert taken["data"] == {"a": "2"}
    last = json.loads(taken["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"])
    assert last["data"] == {"a": "2"}, "who goes on with client-side apply finds the present state"


def test_kubectl_takes_nothing_that_others_changed_since_its_client_side_apply(cluster: Cluster) -> None:
    obj = config_map(a="1")
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(config_map(a="1"))}
    obj["metadata"] = {**obj["metadata"], "annotations": annotations}
    made = cluster.create(obj, "kubectl-client-side-apply")
    cluster.change(made, "kubectl-edit", lambda live: live["data"].update(a="9"))
    with pytest.raises(StatusError, match=r'conflict with "kubectl-edit" using v1: \.data\.a'):
        cluster.apply(config_map(a="2"), "kubectl")


def test_a_configuration_of_another_kind_or_with_owners_of_its_own_is_refused(cluster: Cluster) -> None:
    with pytest.raises(StatusError, match=r"invalid object type: apps/v2, Kind=Deployment"):
        cluster.apply({**deployment(), "apiVersion": "apps/v2"})
    config = deployment()
    config["metadata"]["managedFields"] = []
    with pytest.raises(StatusError, match="managedFields must be nil"):
        cluster.apply(config)


def test_an_apply_onto_nothing_creates_and_needs_the_name_of_the_path(cluster: Cluster) -> None:
    config = deployment()
    config["metadata"]["uid"] = "0"
    with pytest.raises(StatusError, match="uid mismatch"):
        cluster.apply(config)


def test_an_old_version_of_the_object_is_a_conflict(cluster: Cluster) -> None:
    cluster.apply(config_map(a="1"))
    config = config_map(a="2")
    config["metadata"]["resourceVersion"] = "1"
    with pytest.raises(StatusError, match="the object has been modified"):
        cluster.apply(config)
