"""An image's files and links -> a directory that is the layer of every container of that image, on any node."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from harness.sandbox.images import Image


def image_layer(images: Path, image: Image, directories: tuple[str, ...], node: int) -> Path:
    """The layer below `images`, made where there is none; `directories`: what must exist for the machine's own."""
    layer = images / image.image_id.removeprefix("sha256:")
    if not layer.exists():
        partial = images / f"{layer.name}.node{node}"
        _write(partial, image, directories)
        try:
            partial.rename(layer)
        except OSError:  # another node was sooner with the same
            if not layer.exists():
                raise
            shutil.rmtree(partial)
    return layer


def _write(partial: Path, image: Image, directories: tuple[str, ...]) -> None:
    for name in (*directories, *image.replaced):
        (partial / name.lstrip("/")).mkdir(parents=True, exist_ok=True)
    for path, text in image.files:
        file = partial / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for path, target in image.links:
        link = partial / path.lstrip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
