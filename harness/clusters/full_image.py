"""The Containerfile that comes with the harness -> the full image of a load worker, on the nodes of a kind cluster."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from harness.errors import ClusterError

_HERE = Path(__file__).parent
_NAME = "rollout-harness-load"

Run = Callable[..., Awaitable[str]]


def containerfile() -> Path:
    """Inside an installed package, at the root of a checkout."""
    installed = _HERE / "Containerfile"
    return installed if installed.is_file() else _HERE.parents[1] / "Containerfile"


async def full_image(run: Run, cluster: str, tell: Callable[[str], None]) -> str | None:
    """The image's name, built where it is not there yet; None where it cannot be had, which is told.

    `run`: gives what a command printed, or raises ClusterError. `cluster`: kind's name. The image's name follows what
    is built, so that a change in the Containerfile is a new image.
    """
    file = containerfile()
    name = f"{_NAME}:{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
    try:
        if not (await run("docker", "image", "ls", "--quiet", name)).strip():
            await run("docker", "build", "--quiet", "--tag", name, "-", stdin=file)
        await run("kind", "load", "docker-image", name, "--name", cluster)
    except ClusterError as error:
        tell(
            f"The full image of the load worker could not be built and put on the nodes ({error.tried}: {error.seen}): "
            f"a stock Python sends the load, as far as it holds."
        )
        return None
    return name
