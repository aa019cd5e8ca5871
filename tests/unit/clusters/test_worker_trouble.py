"""What a kubelet and a container runtime say of a load worker that does not run, in words that help."""

from __future__ import annotations

from typing import Any

import pytest

from harness.clusters.worker_trouble import is_final, is_unpulled, state, told, trouble

IMAGE = "registry.example/py:1"


def container(word: str, **detail: Any) -> dict[str, Any]:
    return {"phase": "Pending", "containerStatuses": [{"state": {word: detail}}]}


CONTAINERD = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
)
ANOTHER = "Give --worker-image another: any image with Python 3.11 or newer, such as python:3.13-slim."
PULLABLE = "Can the nodes pull it? Give --worker-image one that they can: any with Python 3.11 or newer."


@pytest.mark.parametrize(
    ("status", "seen", "do"),
    [
        (  # containerd with runc
            container("terminated", reason="StartError", exitCode=128, message=f'{CONTAINERD}unable to start container '
                'process: error during container init: exec: "python3": executable file not found in $PATH'),
            f"image {IMAGE} has no python3",
            ANOTHER,
        ),
        (  # CRI-O with crun
            container("waiting", reason="CreateContainerError", message="container create failed: executable file "
                "`python3` not found: No such file or directory"),
            f"image {IMAGE} has no python3",
            ANOTHER,
        ),
        (  # cri-dockerd
            container("terminated", reason="ContainerCannotRun", exitCode=127, message='failed to create task for '
                'container: exec: "python3": executable file not found in $PATH: unknown'),
            f"image {IMAGE} has no python3",
            ANOTHER,
        ),
        (
            container("terminated", reason="Error", exitCode=255, message="exec /bin/python3: exec format error\n"),
            f"image {IMAGE} is for another processor architecture than the node that it came to",
            ANOTHER,
        ),
        (
            container("waiting", reason="ErrImagePull", message="failed to pull and unpack image: failed to resolve "
                "reference: no match for platform in manifest: not found"),
            f"image {IMAGE} is for another processor architecture than the node that it came to",
            ANOTHER,
        ),
        (
            container("terminated", reason="Error", exitCode=2,
                message='{"refused": "the image has Python 3.8.10, and the load worker needs 3.11 or newer"}\n'),
            "the image has Python 3.8.10, and the load worker needs 3.11 or newer",
            ANOTHER,
        ),
        (
            container("terminated", reason="Error", exitCode=2, message='{"refused": "it can hold 9", "do": "Lower."}'),
            "it can hold 9",
            "Lower.",
        ),
        (
            container("waiting", reason="ImagePullBackOff", message='Back-off pulling image "registry.example/py:1"'),
            'waiting ImagePullBackOff Back-off pulling image "registry.example/py:1"',
            PULLABLE,
        ),
        (container("waiting", reason="InvalidImageName", message="a b"), "waiting InvalidImageName a b", PULLABLE),
        (container("terminated", reason="OOMKilled", exitCode=137), "terminated OOMKilled with 137", ""),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."},
            "Evicted: The node was low on resource: memory.",
            "",
        ),
        ({"phase": "Failed", "reason": "DeadlineExceeded"}, "DeadlineExceeded", ""),
        ({"phase": "Failed"}, "Failed", ""),
        ({}, "Pending", ""),
    ],
)  # fmt: skip
def test_why_it_does_not_run_and_what_would_do(status: dict[str, Any], seen: str, do: str) -> None:
    error = trouble("starting", IMAGE, status)
    assert (error.seen, error.do) == (seen, do)


def test_one_that_no_node_has_room_for_is_told_so() -> None:
    conditions = [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes: no cpu"}
    ]
    assert state({"phase": "Pending", "conditions": conditions}) == "Unschedulable: 0/3 nodes: no cpu"


def test_what_waiting_does_not_mend_is_known_at_once_and_a_pull_that_failed_is_tried_on() -> None:
    assert is_final(IMAGE, container("waiting", reason="InvalidImageName"))
    assert is_final(IMAGE, container("waiting", reason="ErrImageNeverPull"))
    assert is_final(IMAGE, container("waiting", reason="ErrImagePull", message="no match for platform in manifest"))
    for reason in ("ErrImagePull", "ImagePullBackOff"):
        unpulled = container("waiting", reason=reason, message="429 Too Many Requests")
        assert not is_final(IMAGE, unpulled)
        assert is_unpulled(unpulled)
    for fine in (container("waiting", reason="ContainerCreating"), container("running"), {}):
        assert not is_final(IMAGE, fine)
        assert not is_unpulled(fine)


def test_what_says_nothing_of_the_image_is_left_to_others() -> None:
    for said in ("", "new,0,1,0.1", "Traceback (most recent call last):", '{"end": {"new": 1}}'):
        assert told("following", IMAGE, said) is None
