"""Which node takes which pod, and what is said where none does."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.controllers import nodefit
from harness.sandbox.controllers.nodefit import Obstacle, unschedulable
from harness.sandbox.controllers.nodeinfo import NodeInfo, NodeInfos, requests
from harness.sandbox.controllers.surroundings import Surroundings

Object = dict[str, Any]
SELECTION = "node(s) didn't match Pod's node affinity/selector"
TAINTED = "node(s) had untolerated taint(s)"


def node(labels: Object | None = None, *, ready: str = "True", **spec: Any) -> Object:
    allocatable = {"cpu": "4", "memory": "8Gi", "pods": "3"}
    status = {"conditions": [{"type": "Ready", "status": ready}], "allocatable": allocatable}
    return {"metadata": {"name": "node1", "labels": labels or {}}, "spec": spec, "status": status}


def pod(uid: str = "a", asks: Object | None = None, **spec: Any) -> Object:
    containers = [{"name": "c", "resources": {"requests": asks or {}}}]
    return {"metadata": {"uid": uid, "namespace": "shop"}, "spec": {"containers": containers, **spec}, "status": {}}


def having(*pods: Object) -> NodeInfo:
    infos = NodeInfos()
    for one in pods:
        infos.put(one, "node1")
    return infos.of("node1")


def obstacle(one: Object, its_node: Object, info: NodeInfo) -> Obstacle | None:
    """What keeps the pod from the only node."""
    return nodefit.obstacle(one, its_node, Surroundings({"node1": its_node}, {"node1": info}, {}))


def refused(*reasons: str, lasting: bool = True) -> Obstacle:
    return Obstacle(reasons, lasting)


def required(*terms: Object) -> Object:
    selector = {"nodeSelectorTerms": list(terms)}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}}


def expression(key: str, operator: str, *values: str) -> Object:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def test_a_pod_that_asks_for_nothing_fits_an_empty_node() -> None:
    assert obstacle(pod(), node(), having()) is None


def test_a_node_takes_as_many_pods_as_it_says() -> None:
    full = having(pod("1"), pod("2"), pod("3"))
    assert obstacle(pod(), node(), full) == refused("Too many pods", lasting=False)


def test_a_pod_that_is_being_deleted_has_its_place_until_it_is_gone() -> None:
    going = pod("3")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert obstacle(pod(), node(), having(pod("1"), pod("2"), going)) == refused("Too many pods", lasting=False)


def test_a_pod_that_ended_has_no_place() -> None:
    ended = {**pod("3"), "status": {"phase": "Succeeded"}}
    assert obstacle(pod(), node(), having(pod("1"), pod("2"), ended)) is None


def test_what_the_node_never_had_is_told_from_what_others_took() -> None:
    assert obstacle(pod(asks={"cpu": "5"}), node(), having()) == refused("Insufficient cpu")
    busy = having(pod("1", {"cpu": "3500m"}))
    assert obstacle(pod(asks={"cpu": "600m"}), node(), busy) == refused("Insufficient cpu", lasting=False)
    assert obstacle(pod(asks={"cpu": "500m"}), node(), busy) is None


def test_tenths_of_a_processor_add_up_exactly() -> None:
    infos = NodeInfos()
    for n in range(39):
        infos.put(pod(str(n), {"cpu": "0.1"}), "node1")
    roomy = node()
    roomy["status"]["allocatable"]["pods"] = "100"
    assert obstacle(pod(asks={"cpu": "0.1"}), roomy, infos.of("node1")) is None
    infos.put(pod("39", {"cpu": "0.1"}), "node1")
    assert obstacle(pod(asks={"cpu": "1m"}), roomy, infos.of("node1")) == refused("Insufficient cpu", lasting=False)


def test_all_that_lacks_is_named() -> None:
    found = obstacle(pod(asks={"cpu": "5", "memory": "9Gi", "example.com/gpu": "1"}), node(), having())
    assert found == refused("Insufficient cpu", "Insufficient memory", "Insufficient example.com/gpu")


def test_a_node_that_says_nothing_of_what_it_can_take_takes_all() -> None:
    silent = node()
    del silent["status"]["allocatable"]
    assert obstacle(pod(asks={"cpu": "500"}), silent, having(pod("1"), pod("2"), pod("3"))) is None


def test_init_containers_ask_for_the_most_that_is_needed_at_one_time() -> None:
    inits = [
        {"name": "first", "resources": {"requests": {"cpu": "3"}}},
        {"name": "proxy", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}},
        {"name": "second", "resources": {"requests": {"cpu": "1500m"}}},
    ]
    assert requests(pod(asks={"cpu": "1"}, initContainers=inits))["cpu"] == 3000
    assert requests(pod(asks={"cpu": "2500m"}, initContainers=inits))["cpu"] == 3500


def test_what_the_pod_as_a_whole_asks_for_counts_instead_of_its_containers() -> None:
    whole = pod(asks={"cpu": "1", "memory": "1Gi"}, resources={"requests": {"cpu": "2"}}, overhead={"cpu": "100m"})
    assert requests(whole) == {"cpu": 2100, "memory": 2**30 * 1000}


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        ({"nodeSelector": {"disk": "ssd"}}, True),
        ({"nodeSelector": {"disk": "hdd"}}, False),
        (required(expression("disk", "In", "ssd", "nvme")), True),
        (required(expression("disk", "NotIn", "ssd")), False),
        (required(expression("zone", "NotIn", "a")), True),
        (required(expression("zone", "Exists")), False),
        (required(expression("zone", "DoesNotExist")), True),
        (required(expression("cores", "Gt", "8")), True),
        (required(expression("cores", "Lt", "8")), False),
        (required(expression("disk", "Gt", "8")), False),
        (required({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node1"]}]}), True),
        (required({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node2"]}]}), False),
        (required(expression("zone", "Exists"), expression("disk", "Exists")), True),
        (required({}), False),
    ],
)
def test_a_pod_goes_where_its_selector_and_its_affinity_let_it(spec: Object, fits: bool) -> None:
    found = obstacle(pod(**spec), node({"disk": "ssd", "cores": "16"}), having())
    assert found == (None if fits else refused(SELECTION))


def test_a_cordoned_node_takes_only_what_tolerates_that() -> None:
    assert obstacle(pod(), node(unschedulable=True), having()) == refused("node(s) were unschedulable")
    tolerant = pod(tolerations=[{"operator": "Exists"}])
    assert obstacle(tolerant, node(unschedulable=True), having()) is None


def test_a_taint_repels_whoever_does_not_tolerate_it() -> None:
    tainted = node(taints=[{"key": "gpu", "value": "a100", "effect": "NoSchedule"}])
    assert obstacle(pod(), tainted, having()) == refused(TAINTED)
    assert obstacle(pod(tolerations=[{"key": "gpu", "value": "v100"}]), tainted, having()) == refused(TAINTED)
    assert obstacle(pod(tolerations=[{"key": "gpu", "value": "a100"}]), tainted, having()) is None
    other = [{"key": "gpu", "operator": "Exists", "effect": "NoExecute"}]
    assert obstacle(pod(tolerations=other), tainted, having()) == refused(TAINTED)
    assert obstacle(pod(), node(taints=[{"key": "gpu", "effect": "PreferNoSchedule"}]), having()) is None


def test_a_node_that_is_not_ready_takes_nothing() -> None:
    assert obstacle(pod(), node(ready="False"), having()) == refused(TAINTED)


def test_two_pods_do_not_share_a_port_of_the_node() -> None:
    def listening(uid: str, port: int, **more: Any) -> Object:
        ports = [{"containerPort": 80, "hostPort": port, **more}]
        return pod(uid, containers=[{"name": "c", "ports": ports}])

    taken = having(listening("1", 8080, hostIP="10.0.0.1"))
    busy = refused("node(s) didn't have free ports for the requested pod ports", lasting=False)
    assert obstacle(listening("2", 8080), node(), taken) == busy
    assert obstacle(listening("2", 8080, hostIP="10.0.0.1"), node(), taken) == busy
    assert obstacle(listening("2", 8080, hostIP="10.0.0.2"), node(), taken) is None
    assert obstacle(listening("2", 8080, protocol="UDP"), node(), taken) is None
    assert obstacle(listening("2", 8081), node(), taken) is None


def test_a_pod_that_moves_takes_its_requests_along() -> None:
    infos = NodeInfos()
    infos.put(pod("1", {"cpu": "4"}), "node1")
    infos.put(pod("1", {"cpu": "1"}), "node2")
    assert not infos.of("node1").pods
    assert infos.of("node1").requested["cpu"] == 0
    assert infos.of("node2").requested["cpu"] == 1000
    infos.remove("1")
    infos.remove("1")
    assert not infos.has("1")
    assert infos.of("node2").requested["cpu"] == 0


def test_the_words_are_those_of_a_real_cluster() -> None:
    """As Kubernetes 1.36.2 said them, of one node and of several."""
    hungry = [refused("Insufficient cpu")]
    assert unschedulable(pod(), hungry) == (
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, "
        "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )
    mixed = [refused(TAINTED), refused("Insufficient cpu", lasting=False), refused("Insufficient cpu", lasting=False)]
    assert unschedulable(pod(), mixed) == (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, "
        "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, "
        "2 No preemption victims found for incoming pod."
    )


def test_a_pod_that_may_not_push_others_out_says_so() -> None:
    told = unschedulable(pod(preemptionPolicy="Never"), [refused("Too many pods", lasting=False)])
    assert told.endswith(
        "1 Too many pods. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never."
    )
    assert unschedulable(pod(), []) == "no nodes available to schedule pods"
