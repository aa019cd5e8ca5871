"""Settings, their way through JSON, and the images that they know."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sandbox.images import Image
from harness.sandbox.settings import Settings


def deployment(*images: str, init: str = "") -> dict[str, object]:
    pod = {"containers": [{"name": f"c{n}", "image": image} for n, image in enumerate(images)]}
    if init:
        pod["initContainers"] = [{"name": "init", "image": init}]
    return {"kind": "Deployment", "spec": {"template": {"spec": pod}}}


def test_settings_survive_the_way_as_json() -> None:
    image = Image(name="shop", command=("shop", "--serve"), env=(("A", "1"),), links=(("/a", "/b"),))
    settings = Settings(
        proxy_min_sync_period_s=10.0, nodes=2, images=(image,), truth=Path("/tmp/t"), client_addresses=9
    )
    assert Settings.from_json(settings.to_json()) == settings
    assert "\n" not in settings.to_json()


@pytest.mark.parametrize(
    "wrong", [{"nodes": 0}, {"nodes": 10}, {"client_addresses": 0}, {"proxy_min_sync_period_s": -1}]
)
def test_impossible_settings_say_which_and_what_was_expected(wrong: dict[str, int]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=rf"{name} must be between"):
        Settings(**wrong)  # type: ignore[arg-type]


def test_unknown_images_are_named_once_in_order() -> None:
    manifests = [deployment("nginx:1.28.0", "redis:7", init="busybox"), deployment("redis:7"), {"kind": "Service"}]
    assert Settings().unknown_images(manifests) == ("busybox", "redis:7")


def test_a_users_image_is_known() -> None:
    settings = Settings(images=(Image(name="redis", command=("redis-server",)),))
    assert settings.unknown_images([deployment("redis:7")]) == ()


def test_images_of_pods_and_cron_jobs_are_found_too() -> None:
    pod = {"kind": "Pod", "spec": {"containers": [{"name": "c", "image": "one"}]}}
    template = {"spec": {"containers": [{"name": "c", "image": "two"}]}}
    job = {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": template}}}}
    assert Settings().unknown_images([pod, job, {"kind": "ConfigMap"}, {"kind": "Pod"}]) == ("one", "two")
