"""When pods were listed for traffic, and when none was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.analysis import judge
from harness.analysis.observed.endpoints import Endpoints, endpoints
from harness.analysis.observed.pods import Life
from harness.model.observation import Observation
from harness.model.run import MeasuredService, RunInfo

from ..literal import history

INFO = RunInfo(experiment="e", scenario="s", variant="v", manifests=({"kind": "Service", "metadata": {"name": "web"}},))
PODS = (
    Life(uid="a", name="pod-a", first_seen=0.0, addresses=("10.0.0.1",)),
    Life(uid="b", name="pod-b", first_seen=0.0, addresses=("10.0.0.2", "fd00::2")),
)


def slice_(t: float, *pods: Any, name: str = "web-1", service: str = "web", type_: str = "MODIFIED") -> Observation:
    labels = {"kubernetes.io/service-name": service}
    metadata = {"name": name, "labels": labels}
    return Observation(t=t, kind="EndpointSlice", type=type_, object={"metadata": metadata, "endpoints": list(pods)})


def endpoint(uid: str | None, **conditions: bool) -> dict[str, Any]:
    return {"conditions": conditions, "targetRef": {"uid": uid}}


READY_A, READY_B = endpoint("a", ready=True, serving=True), endpoint("b", ready=True, serving=True)
GOING_A = endpoint("a", ready=False, serving=True, terminating=True)
NEVER = float("inf")


def found(*slices: Observation) -> Endpoints:
    return endpoints(INFO, slices, PODS)


def test_a_pod_is_listed_while_it_is_ready() -> None:
    assert found(slice_(1, READY_A, READY_B), slice_(5, READY_B, GOING_A)).listed == {
        "a": ((1, 5),),
        "b": ((1, NEVER),),
    }


def test_without_a_ready_pod_those_that_still_serve_get_the_traffic() -> None:
    listed = found(slice_(1, READY_A), slice_(5, GOING_A), slice_(7))
    assert listed.listed == {"a": ((1, 7),)}
    assert listed.terminating == {"a": 5}
    assert listed.empty == ((7, NEVER),)


def test_the_list_is_empty_until_the_first_new_pod() -> None:
    assert found(slice_(1, READY_A), slice_(5), slice_(9, READY_B)).empty == ((5, 9),)


def test_before_the_first_pod_the_list_is_not_called_empty() -> None:
    assert found(slice_(1), slice_(5, READY_A)).empty == ()


def test_slices_of_other_services_say_nothing() -> None:
    assert found(slice_(1, READY_A), slice_(2, READY_B, name="churn", service="churn")).listed == {"a": ((1, NEVER),)}


def test_a_pod_in_two_slices_is_one_pod() -> None:
    both = found(slice_(1, READY_A), slice_(1.1, READY_A, name="web-six"), slice_(5), slice_(6, name="web-six"))
    assert both.listed == {"a": ((1, 6),)}


def test_a_slice_that_is_deleted_lists_nothing_more() -> None:
    assert found(slice_(1, READY_A), slice_(5, type_="DELETED")).listed == {"a": ((1, 5),)}


def test_conditions_that_are_not_given_mean_ready() -> None:
    assert found(slice_(1, endpoint("a"))).listed == {"a": ((1, NEVER),)}


def test_an_endpoint_without_uid_is_known_by_name_or_address() -> None:
    by_name = {"targetRef": {"name": "pod-a"}}
    by_address = {"addresses": ["fd00::2"]}
    assert found(slice_(1, by_name, by_address)).listed == {"a": ((1, NEVER),), "b": ((1, NEVER),)}


def test_where_no_slice_was_seen_the_pods_readiness_has_to_do() -> None:
    text = """
        update 8.0 complete 12 settled 12.5
        pod old-1 ready 0.2 deleted 8.1 ended 8.4 gone 8.8
        pod new-1 revision r2 created 8.5 ready 11.9
        ok new 0..8.1 every 0.01 by old-1
        ok new 13..30 every 0.01 by new-1
        connect-timeout new 8.6 9
        connect-refused new 10 11
    """
    run = history(text)
    blind = replace(run, timeline=tuple(seen for seen in run.timeline if seen.kind != "EndpointSlice"))
    assert judge(blind).causes == judge(run).causes == {"no-endpoints": 2, "termination-race": 2}


def test_a_slice_without_the_services_port_lists_nobody_for_it() -> None:
    """New pods that do not know the name of the targetPort are Ready, and endpoints of no port."""
    web = {
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"ports": [{"name": "http", "port": 80}, {"name": "admin", "port": 81}]},
    }
    info = replace(INFO, manifests=(web,), service=MeasuredService(name="web", port=80))

    def with_ports(t: float, pod: Any, ports: Any) -> Observation:
        seen = slice_(t, pod)
        return replace(seen, object={**seen.object, "ports": ports})

    http, admin = [{"name": "http", "port": 8080}], [{"name": "admin", "port": 8081}]
    for other in (None, [], admin):
        known = endpoints(info, [with_ports(1, READY_A, http), with_ports(5, READY_B, other)], PODS)
        assert known.listed == {"a": ((1, 5),)}
        assert known.empty == ((5, NEVER),)
    known = endpoints(info, [with_ports(1, READY_A, [*admin, *http])], PODS)
    assert known.listed == {"a": ((1, NEVER),)}
