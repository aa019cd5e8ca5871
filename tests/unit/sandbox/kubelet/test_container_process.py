"""The command line of a container, as the table of the Kubernetes documentation has it."""

from __future__ import annotations

import pwd
from types import SimpleNamespace
from typing import Any

import pytest

from harness.sandbox.images import Image
from harness.sandbox.kubelet.container_process import arguments, container_process
from harness.sandbox.kubelet.environment import ConfigError
from harness.sandbox.kubelet.records import ContainerRecord, PodRecord
from harness.sandbox.kubelet.runtime import container_env

IMAGE = Image(name="x", entrypoint=("/ep-1",), command=("foo", "bar"))


@pytest.mark.parametrize(
    ("spec", "runs"),
    [
        ({}, ("/ep-1", "foo", "bar")),
        ({"command": ["/ep-2"]}, ("/ep-2",)),
        ({"args": ["zoo", "boo"]}, ("/ep-1", "zoo", "boo")),
        ({"command": ["/ep-2"], "args": ["zoo", "boo"]}, ("/ep-2", "zoo", "boo")),
        ({"command": [], "args": None}, ("/ep-1", "foo", "bar")),
        ({"args": ["$(A)", "$(B)", "$$(A)", "x$(A)y"]}, ("/ep-1", "1", "$(B)", "$(A)", "x1y")),
    ],
)
def test_command_replaces_the_entrypoint_and_args_the_command(spec: dict[str, Any], runs: tuple[str, ...]) -> None:
    assert arguments(IMAGE, spec, {"A": "1"}) == runs


def test_neither_applies_to_an_image_that_says_so() -> None:
    fixed = Image(name="x", entrypoint=("/ep-1",), command=("foo",), fixed=True)
    assert arguments(fixed, {"command": ["/ep-2"], "args": ["zoo"]}, {}) == ("/ep-1", "foo")


@pytest.mark.parametrize(
    ("user", "image", "own", "home"),
    [
        (0, (), (), pwd.getpwuid(0).pw_dir),
        (65532, (), (), "/"),
        (65532, (("HOME", "/data"),), (), "/data"),
        (65532, (("HOME", "/data"),), (("HOME", "/tmp"),), "/tmp"),
    ],
    ids=["root", "a user whom nobody knows", "the image's", "the pod's own"],
)
def test_every_container_has_a_home(
    user: int, image: tuple[tuple[str, str], ...], own: tuple[tuple[str, str], ...], home: str
) -> None:
    env = dict(container_env(own, Image(name="x", entrypoint=("/ep-1",), env=image), "web-a", user))
    assert (env["HOME"], env["HOSTNAME"]) == (home, "web-a")


@pytest.mark.parametrize(
    ("of_pod", "own", "refused"),
    [
        ({"runAsNonRoot": True}, {"runAsUser": 0}, True),
        ({"runAsNonRoot": True, "runAsUser": 0}, {}, True),
        ({"runAsNonRoot": True, "runAsUser": 0}, {"runAsUser": 1000}, False),
        ({"runAsNonRoot": True}, {}, False),  # who an image runs as is not known
        ({"runAsNonRoot": True, "runAsUser": 0}, {"runAsNonRoot": False}, False),
    ],
)
def test_who_must_not_be_root_and_is_told_to_be_is_not_started(of_pod: Any, own: Any, refused: bool) -> None:
    metadata = {"name": "web-1", "namespace": "shop", "uid": "u1"}
    record = ContainerRecord(name="web", spec={"securityContext": own})
    pod = PodRecord(pod={"metadata": metadata, "spec": {"securityContext": of_pod}}, containers=(record,))
    place: Any = SimpleNamespace(record=pod, settings=SimpleNamespace(rootless=False), host_ip="10.0.0.1", data={})
    if not refused:
        container_process(IMAGE, record, place)
        return
    with pytest.raises(ConfigError) as told:
        container_process(IMAGE, record, place)
    words = "container's runAsUser breaks non-root policy"
    assert str(told.value) == f'{words} (pod: "web-1_shop(u1)", container: web)'
