"""The command line of a container, as the table of the Kubernetes documentation has it."""

from __future__ import annotations

import pwd
from typing import Any

import pytest

from harness.sandbox.images import Image
from harness.sandbox.kubelet.container_process import arguments
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
