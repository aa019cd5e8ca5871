"""Which Events count, and under which names."""

from __future__ import annotations

from harness.traces.events import event_lines
from harness.traces.lifecycles import lifecycles
from tests.unit.traces.literal import trace

POD = "0 deployment replicas=1\n0 rs r1 size=1\n0 pod a r1\n0 pod a scheduled\n1 pod a running\n"


def told(text: str) -> dict[str, tuple[str, ...]]:
    return event_lines(lifecycles(trace(POD + text)))


def test_reasons_are_told_by_object_under_names_without_hashes() -> None:
    assert told("1 event a Started\n1 event Deployment ScalingReplicaSet\n1 event r1 SuccessfulCreate") == {
        "Deployment web": ("Normal ScalingReplicaSet (kubelet)",),
        "Pod web-r1-*": ("1 x Normal Started (kubelet)",),
        "ReplicaSet web-r1": ("Normal SuccessfulCreate (kubelet)",),
    }


def test_how_often_one_pod_had_an_event_does_not_count_but_how_many_pods_did() -> None:
    assert told("1 event a BackOff\n2 event a BackOff") == {"Pod web-r1-*": ("1 x Normal BackOff (kubelet)",)}
    assert told("1 pod b r1\n1 event a Started\n1 event b Started") == {
        "Pod web-r1-*": ("2 x Normal Started (kubelet)",)
    }


def test_a_failed_probe_counts_where_the_pod_never_answered() -> None:
    assert told("1 event a Unhealthy") == {"Pod web-r1-*": ("1 x Normal Unhealthy (kubelet)",)}
    assert told("1 event a Unhealthy\n2 pod a ready") == {}


def test_what_the_recorded_node_lacked_and_what_writers_met_over_does_not_count() -> None:
    assert told("1 event a MissingClusterDNS\n1 event a FailedToUpdateEndpoint") == {}
