"""Layers of images, which the nodes of one sandbox share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

from harness.sandbox.images import Image
from harness.sandbox.kubelet.image_layer import image_layer

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORIES = ("etc", "usr")


def image(name: str) -> Image:
    files = tuple((f"/etc/app/{n}.conf", f"{name}: {n}") for n in range(20))
    return Image(name=name, command=("app",), files=files, links=(("/var/log/app", "/dev/stdout"),))


def test_a_layer_has_the_images_files_and_links_and_room_for_the_machines_own(tmp_path: Path) -> None:
    layer = image_layer(tmp_path, image("app:1"), DIRECTORIES, node=1)
    assert (layer / "etc/app/3.conf").read_text() == "app:1: 3"
    assert str((layer / "var/log/app").readlink()) == "/dev/stdout"
    assert (layer / "usr").is_dir()
    assert image_layer(tmp_path, image("app:1"), DIRECTORIES, node=2) == layer


def test_nodes_that_want_the_same_new_image_at_the_same_time_all_get_it(tmp_path: Path) -> None:
    nodes = range(1, 10)
    for number in range(20):
        together = Barrier(len(nodes))

        def laid(node: int, together: Barrier = together, number: int = number) -> Path:
            together.wait(60)
            return image_layer(tmp_path, image(f"app:{number}"), DIRECTORIES, node)

        with ThreadPoolExecutor(len(nodes)) as pool:
            (layer,) = set(pool.map(laid, nodes))
        assert len(list((layer / "etc/app").iterdir())) == 20
    assert len(list(tmp_path.iterdir())) == 20
