"""The Containerfile that comes with the harness -> the full image of a load worker, on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from harness.clusters.kind_images import NodeImages
from harness.clusters.kind_trouble import trouble
from harness.clusters.programs import ended
from harness.errors import ClusterError

_HERE = Path(__file__).parent
_NAME = "rollout-harness-load"


def containerfile() -> Path:
    """Inside an installed package, at the root of a checkout."""
    installed = _HERE / "Containerfile"
    return installed if installed.is_file() else _HERE.parents[1] / "Containerfile"


def full_image_name() -> str:
    """It follows what is built, so that a change in the Containerfile is a new image."""
    digest = hashlib.sha256(containerfile().read_bytes()).hexdigest()[:12]
    return f"localhost/{_NAME}:{digest}"


async def full_image(images: NodeImages, tell: Callable[[str], None]) -> str | None:
    """The image's name, built where it is not there yet and put on the nodes; None where it cannot be had, which is
    told."""
    name = full_image_name()
    try:
        if await images.identity(name) is None:
            given = containerfile().read_bytes()
            built = await ended(images.engine.name, "build", "--quiet", "--tag", name, "-", stdin=given)
            if built.code:
                raise trouble(built)
        await images.bring((name,))
    except ClusterError as error:
        tell(
            f"The full image of the load worker could not be built and put on the nodes ({error.tried}: {error.seen}): "
            f"a stock Python sends the load, as far as it holds."
        )
        return None
    return name
