"""The Containerfile that comes with the harness -> the full image of a load worker, in Docker's own store."""

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


async def full_image(run: Run, tell: Callable[[str], None]) -> str | None:
    """The image's name, built where it is not there yet; None where it cannot be built, which is told.

    `run`: gives what a command printed, or raises ClusterError. The name follows what is built, so that a change in the
    Containerfile is a new image.
    """
    file = containerfile()
    name = f"{_NAME}:{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
    if (await run("docker", "image", "ls", "--quiet", name)).strip():
        return name
    try:
        await run("docker", "build", "--quiet", "--tag", name, "-", stdin=file)
    except ClusterError as error:
        tell(
            f"The full image of the load worker could not be built ({error.seen}): a stock Python sends the load, as "
            f"far as it holds."
        )
        return None
    return name
