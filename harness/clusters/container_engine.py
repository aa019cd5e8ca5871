"""This machine -> the program that runs kind's nodes: Docker, Podman or nerdctl, as kind itself chooses."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from harness.clusters.kind_trouble import said, trouble
from harness.clusters.programs import Ended, ended
from harness.errors import ClusterError, SetupError

_STARTING = "starting a kind cluster"
_INSTALL_KIND = "See https://kind.sigs.k8s.io/docs/user/quick-start/#installation."
_OLDEST_KIND = (0, 27)
"""The first that reads the configuration of containerd 2, and so loads images into the nodes of today."""
_SAVES_A_PLATFORM = (1, 48)
"""The API of the first Docker (28) that does: https://docs.docker.com/reference/cli/docker/image/save."""

_AGREED = "{{.Client.APIVersion}} {{.Server.Os}}/{{.Server.Arch}}"
"""The client's is the API that both know, or DOCKER_API_VERSION where that is set (cli/command/system/version.go of
docker/cli); by it the client decides whether it has --platform."""

_CHOSEN = ("docker", "podman", "nerdctl", "finch", "nerdctl.lima")
"""What KIND_EXPERIMENTAL_PROVIDER may say; anything else is ignored (pkg/internal/runtime/runtime.go)."""
_TRIED = {
    "docker": "Docker version",
    "nerdctl": "nerdctl version",
    "finch": "finch version",
    "podman": "podman version",
}
"""What they say of themselves, in the order in which kind tries them (pkg/cluster/provider.go)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What runs the nodes. `platform`: that of an image that is saved ("linux/amd64"), where it can be said."""

    name: str
    platform: str | None = None


async def engine(environment: Mapping[str, str] = os.environ) -> Engine:
    """The engine that kind will use, which answers; with a kind that is new enough.

    Raises:
        SetupError: one of them is missing or too old, or does not answer; nothing was changed.
    """
    name = await _chosen(environment)
    if shutil.which(name) is None:
        raise SetupError(_STARTING, f"{name} is not installed", "See https://docs.docker.com/engine/install.")
    if shutil.which("kind") is None:
        raise SetupError(_STARTING, "kind is not installed", _INSTALL_KIND)
    answer = await ended(name, "info", patience_s=60)
    if answer.code:
        known = trouble(answer, f"Is {name} running, and may this user reach it?")
        raise ClusterError(_STARTING, f"{name} does not answer: {said(answer.stderr)}", known.do)
    await _check_kind()
    if name != "docker":
        return Engine(name=name)
    version = await ended("docker", "version", "--format", _AGREED)
    return Engine(name=name, platform=_platform(version))


async def _chosen(environment: Mapping[str, str]) -> str:
    if (named := environment.get("KIND_EXPERIMENTAL_PROVIDER", "")) in _CHOSEN:
        return named
    for name, says in _TRIED.items():
        if shutil.which(name) is not None and (await ended(name, "-v", patience_s=60)).stdout.startswith(says):
            return name
    return "docker"


async def _check_kind() -> None:
    version = await ended("kind", "version", patience_s=60)
    found = re.search(r"v(\d+)\.(\d+)", version.stdout)
    if found is None or tuple(map(int, found.groups())) < _OLDEST_KIND:
        words = version.stdout.strip() or said(version.stderr)
        oldest = ".".join(map(str, _OLDEST_KIND))
        raise SetupError(_STARTING, f"{words} is too old, v{oldest}.0 or newer is needed", _INSTALL_KIND)


def _platform(version: Ended) -> str | None:
    api, _, platform = version.stdout.strip().partition(" ")
    numbers = re.fullmatch(r"(\d+)\.(\d+)", api)
    if version.code or numbers is None or tuple(map(int, numbers.groups())) < _SAVES_A_PLATFORM:
        return None
    return platform or None
