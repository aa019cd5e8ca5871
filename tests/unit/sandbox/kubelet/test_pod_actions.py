"""Which containers a kubelet starts next."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.kubelet.pod_actions import containers_to_start
from harness.sandbox.kubelet.records import PodRecord, Terminated

SUCCEEDED, FAILED = Terminated(exit_code=0, reason="Completed"), Terminated(exit_code=1, reason="Error")


def pod(init: str = "", containers: str = "a b", policy: str = "Always") -> PodRecord:
    """A pod; the names of its sidecars end in +."""
    inits: list[dict[str, Any]] = [{"name": name.strip("+"), "image": "i"} for name in init.split()]
    for container, name in zip(inits, init.split(), strict=True):
        if name.endswith("+"):
            container["restartPolicy"] = "Always"
    mains = [{"name": name, "image": "i"} for name in containers.split()]
    spec = {"initContainers": inits, "containers": mains, "restartPolicy": policy}
    return PodRecord.of({"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "spec": spec})


def started(record: PodRecord, *running: str) -> str:
    return " ".join(container.name for container in containers_to_start(record, set(running)))


def test_without_init_containers_all_start_together() -> None:
    assert started(pod()) == "a b"


def test_init_containers_start_one_after_the_other_and_before_the_rest() -> None:
    record = pod("one two")
    assert started(record) == "one"
    assert started(record, "one") == ""
    record.init_containers[0].state = SUCCEEDED
    assert started(record) == "two"
    record.init_containers[1].state = SUCCEEDED
    assert started(record) == "a b"


def test_a_failed_init_container_is_tried_again_unless_the_policy_is_never() -> None:
    for policy, expected in (("Always", "one"), ("OnFailure", "one"), ("Never", "")):
        record = pod("one", policy=policy)
        record.init_containers[0].state = FAILED
        assert started(record) == expected


def test_a_sidecar_must_have_started_up_before_the_next_begins() -> None:
    record = pod("side+ two")
    assert started(record) == "side"
    assert started(record, "side") == ""
    record.init_containers[0].started = True
    assert started(record, "side") == "two"


def test_a_sidecar_that_ended_is_started_again_beside_the_others() -> None:
    record = pod("side+")
    record.init_containers[0].state = FAILED
    assert started(record, "a", "b") == "side"


@pytest.mark.parametrize(
    ("policy", "state", "expected"),
    [
        ("Always", SUCCEEDED, "a"),
        ("Always", FAILED, "a"),
        ("OnFailure", SUCCEEDED, ""),
        ("OnFailure", FAILED, "a"),
        ("Never", FAILED, ""),
    ],
)
def test_the_restart_policy_decides_about_ended_containers(policy: str, state: Terminated, expected: str) -> None:
    record = pod(containers="a", policy=policy)
    record.containers[0].state = state
    assert started(record) == expected
