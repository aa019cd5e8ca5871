"""Names of images: what goes without saying, and which entry of the table one means."""

from __future__ import annotations

import pytest

from harness.sandbox.image_names import Reference, fits, full_name
from harness.sandbox.images import WORKER, Image, lookup

DIGEST = "sha256:" + "0123456789abcdef" * 4
OTHER = "sha256:" + "f" * 64


@pytest.mark.parametrize(
    ("known", "name"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("docker.io/library/nginx:latest", "nginx"),
        ("nginx:latest", "nginx"),
        ("nginx", f"nginx@{DIGEST}"),
        ("acme/shop:2", "docker.io/acme/shop:2"),
        ("index.docker.io/acme/shop", "acme/shop:3"),
        ("shop:2", f"shop:2@{DIGEST}"),
        (f"shop@{DIGEST}", f"docker.io/library/shop:2@{DIGEST}"),
        ("localhost:5000/shop", "localhost:5000/shop:2"),
        ("localhost/shop:1", "localhost/shop:1"),
        ("*", "quay.io/acme/shop:2"),
        ("quay.io/*", "quay.io/acme/shop:2"),
        ("*/shop", "acme/shop:2"),
        ("docker.io/library/*", "redis"),
        ("shop:1.?", "shop:1.2"),
        ("shop:[12]", f"shop:2@{DIGEST}"),
    ],
)
def test_two_spellings_of_one_image_fit(known: str, name: str) -> None:
    assert fits(known, name) is not None


@pytest.mark.parametrize(
    ("known", "name"),
    [
        ("nginx:1.28", "nginx"),
        ("nginx:latest", f"nginx@{DIGEST}"),
        ("nginx", "ghcr.io/library/nginx"),
        ("acme/shop", "ghcr.io/acme/shop"),
        (f"shop@{DIGEST}", f"shop@{OTHER}"),
        (f"shop@{DIGEST}", "shop:2"),
        ("shop", "shopping"),
        ("quay.io/*", "acme/shop"),
        ("shop:[12]", "shop:3"),
        ("shop", ""),
    ],
)
def test_another_image_does_not_fit(known: str, name: str) -> None:
    assert fits(known, name) is None


def test_the_entry_that_says_most_is_taken_wherever_it_stands() -> None:
    names = ("*", "ghcr.io/*", "ghcr.io/acme/shop", "ghcr.io/acme/shop:2", f"ghcr.io/acme/shop@{DIGEST}")
    table = [Image(name=name, command=(name,)) for name in names]
    wanted = {
        f"ghcr.io/acme/shop:2@{DIGEST}": names[4],
        "ghcr.io/acme/shop:2": names[3],
        "ghcr.io/acme/shop:3": names[2],
        "ghcr.io/acme/till": names[1],
        "redis:7": names[0],
    }
    for order in (tuple(table), tuple(reversed(table))):
        for name, entry in wanted.items():
            found = lookup(name, order)
            assert found is not None
            assert found.command == (entry,)


def test_images_that_one_pattern_takes_stay_two_images() -> None:
    everything = (Image(name="*", command=("x",)),)
    shop, till = lookup("shop:1", everything), lookup("till:1", everything)
    assert shop is not None
    assert till is not None
    assert (shop.name, till.name) == ("shop:1", "till:1")
    assert shop.image_id != till.image_id


def test_no_pattern_takes_the_load_workers_image() -> None:
    found = lookup(WORKER, (Image(name="*", command=("x",)),))
    assert found is not None
    assert found.entrypoint[1:] == ("-P", "-m", "harness.load")


def test_nginx_pinned_by_a_digest_is_nginx() -> None:
    found = lookup(f"docker.io/library/nginx:1.28.0@{DIGEST}")
    assert found is not None
    assert found.stop_signal == "SIGQUIT"


def test_a_digest_is_kept_in_the_name_that_a_runtime_reports() -> None:
    assert full_name(f"shop@{DIGEST}") == f"docker.io/library/shop@{DIGEST}"
    assert full_name(f"shop:2@{DIGEST}") == f"docker.io/library/shop:2@{DIGEST}"


def test_what_is_no_name_has_no_parts() -> None:
    assert Reference.of("nginx@sha256:0") is None
