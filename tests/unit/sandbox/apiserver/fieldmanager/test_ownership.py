"""managedFields of creates, updates and patches that are no apply, and of clients that write them."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.apiserver.api_errors import StatusError

from .owned import Cluster, config_map, deployment, owners, service, written


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_who_creates_owns_what_he_wrote_and_what_it_defaults_to(cluster: Cluster) -> None:
    made = cluster.create(deployment(), "kubectl-create")
    as_on_a_real_cluster = (
        '{"f:spec":{"f:progressDeadlineSeconds":{},"f:replicas":{},"f:revisionHistoryLimit":{},"f:selector":{},'
        '"f:strategy":{"f:rollingUpdate":{".":{},"f:maxSurge":{},"f:maxUnavailable":{}},"f:type":{}},"f:template":'
        '{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\\"name\\":\\"nginx\\"}":{".":{},'
        '"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:resources":{},"f:terminationMessagePath":{},'
        '"f:terminationMessagePolicy":{}}},"f:dnsPolicy":{},"f:restartPolicy":{},"f:schedulerName":{},'
        '"f:securityContext":{},"f:terminationGracePeriodSeconds":{}}}}}'
    )
    assert written(owners(made)["kubectl-create Update"]) == as_on_a_real_cluster


def test_what_admission_and_allocators_fill_in_is_nobodys(cluster: Cluster) -> None:
    made = cluster.create(service({"port": 80}, selector={"app": "web"}), "me")
    assert made["spec"]["clusterIP"]
    assert written(owners(made)["me Update"]) == (
        '{"f:spec":{"f:internalTrafficPolicy":{},"f:ports":{".":{},"k:{\\"port\\":80,\\"protocol\\":\\"TCP\\"}":'
        '{".":{},"f:port":{},"f:protocol":{},"f:targetPort":{}}},"f:selector":{},"f:sessionAffinity":{},"f:type":{}}}'
    )
    pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx:1.28.0"}]}}
    spec = owners(cluster.create(pod, "me"))["me Update"]["f:spec"]
    assert {"f:tolerations", "f:serviceAccountName", "f:priority"}.isdisjoint(spec)
    chosen = {**pod, "metadata": {"name": "q"}, "spec": {**pod["spec"], "serviceAccountName": "default"}}  # type: ignore[dict-item]
    assert "f:serviceAccountName" in owners(cluster.create(chosen, "me"))["me Update"]["f:spec"]


def test_who_changes_a_field_takes_it_and_who_removes_one_takes_it_from_all(cluster: Cluster) -> None:
    made = cluster.create(config_map(a="1", b="2"), "one")
    changed = cluster.change(made, "two", lambda obj: obj["data"].update(a="9", c="3"))
    assert owners(changed) == {
        "one Update": {"f:data": {".": {}, "f:b": {}}},
        "two Update": {"f:data": {"f:a": {}, "f:c": {}}},
    }
    removed = cluster.change(made, "three", lambda obj: obj.pop("data") and None)
    assert owners(removed) == {}


def test_the_status_has_owners_of_its_own(cluster: Cluster) -> None:
    made = cluster.create(deployment(), "one")

    def observed(obj: dict[str, Any]) -> None:
        obj["status"] = {"conditions": [{"type": "Available", "status": "True"}]}
        obj["spec"]["replicas"] = 7

    changed = cluster.change(made, "kube-controller-manager", observed, part="status")
    assert written(owners(changed)["kube-controller-manager Update status"]) == (
        '{"f:status":{"f:conditions":{".":{},"k:{\\"type\\":\\"Available\\"}":{".":{},"f:status":{},"f:type":{}}}}}'
    )
    assert owners(changed)["one Update"] == owners(made)["one Update"]


def test_nothing_changed_leaves_owners_and_times_alone(cluster: Cluster) -> None:
    made = cluster.create(config_map(a="1"), "one")
    assert cluster.change(made, "two", lambda obj: None) == made


def test_eleven_who_update_become_ten_and_the_ancient_changes(cluster: Cluster) -> None:
    made = cluster.create(config_map(a="1"), "m0")
    for n in range(12):
        made = cluster.change(made, f"m{n:02}", lambda obj, n=n: obj.setdefault("data", {}).update({f"k{n}": "x"}))  # type: ignore[misc]
    held = owners(made)
    assert len(held) == 10
    assert set(held["ancient-changes Update"]["f:data"]) == {".", "f:a", "f:k0", "f:k1", "f:k2"}


def test_ownership_can_be_reset_and_is_not_kept_until_somebody_applies(cluster: Cluster) -> None:
    made = cluster.create(config_map(a="1"), "one")
    for nothing in ([{}], []):
        bare = cluster.change(made, "x", lambda obj, nothing=nothing: obj["metadata"].update(managedFields=nothing))  # type: ignore[misc]
        assert "managedFields" not in bare["metadata"]
        changed = cluster.change(made, "two", lambda obj: obj["data"].update(a=obj["data"]["a"] + "1"))
        assert "managedFields" not in changed["metadata"]
    assert list(owners(cluster.apply(config_map(b="2"), "owner"))) == ["owner Apply", "before-first-apply Update"]


def test_a_client_that_leaves_managed_fields_out_or_breaks_them_does_not_lose_them(cluster: Cluster) -> None:
    made = cluster.create(config_map(a="1"), "one")
    before = made["metadata"]["managedFields"]
    for broken in (None, [{"manager": "x", "operation": "Steal"}], [{**before[0], "fieldsV1": {"nonsense": {}}}]):

        def replace(obj: dict[str, Any], broken: Any = broken) -> None:
            obj["metadata"]["managedFields"] = broken
            obj["metadata"]["labels"] = {"n": str(broken is None)}

        changed = cluster.change(made, "two", replace)
        assert owners(changed)["one Update"] == owners(made)["one Update"]


def test_the_value_first_then_the_owners_gives_an_object_back_as_its_owner_left_it(cluster: Cluster) -> None:
    original = cluster.apply(deployment(), "owner")

    def image(tag: str) -> Any:
        return lambda obj: obj["spec"]["template"]["spec"]["containers"][0].update(image=tag)

    cluster.change(original, "rollout-harness", image("nginx:1.29.1"))
    value_back = cluster.change(original, "rollout-harness", image("nginx:1.28.0"))
    assert "rollout-harness Update" in owners(value_back)
    with pytest.raises(StatusError, match="conflict with"):
        cluster.apply(deployment("nginx:1.30.0"), "owner")
    restored = cluster.change(
        original,
        "rollout-harness",
        lambda obj: obj["metadata"].update(managedFields=original["metadata"]["managedFields"]),
    )
    assert written(restored["metadata"]["managedFields"]) == written(original["metadata"]["managedFields"])
    assert cluster.apply(deployment("nginx:1.30.0"), "owner")["spec"]["template"]["spec"]["containers"][0]["image"] == (
        "nginx:1.30.0"
    )


def test_value_and_owners_in_one_patch_leaves_the_writer_as_owner(cluster: Cluster) -> None:
    original = cluster.apply(deployment(), "owner")
    cluster.change(
        original,
        "rollout-harness",
        lambda obj: obj["spec"]["template"]["spec"]["containers"][0].update(image="nginx:1.29.1"),
    )

    def both(obj: dict[str, Any]) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.28.0"
        obj["metadata"]["managedFields"] = original["metadata"]["managedFields"]

    cluster.change(original, "rollout-harness", both)
    with pytest.raises(StatusError, match='conflict with "rollout-harness" using apps/v1'):
        cluster.apply(deployment("nginx:1.30.0"), "owner")


def test_owners_written_through_a_subresource_do_not_count(cluster: Cluster) -> None:
    made = cluster.create(deployment(), "one")

    def steal(obj: dict[str, Any]) -> None:
        obj["metadata"]["managedFields"] = [{}]
        obj["status"] = {"observedGeneration": 1}

    changed = cluster.change(made, "two", steal, part="status")
    assert owners(changed)["one Update"] == owners(made)["one Update"]
    assert "two Update status" in owners(changed)


def test_what_does_not_fit_its_kinds_shape_is_made_and_owned_by_nobody(cluster: Cluster) -> None:
    account = {"kind": "ServiceAccount", "metadata": {"name": "robot"}, "secrets": [{"kind": "Secret"}]}
    assert owners(cluster.create(account, "me")) == {}
