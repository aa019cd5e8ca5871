"""The table of images."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.sandbox import images
from harness.sandbox.image_names import full_name, short_name
from harness.sandbox.images import WORKER, Image, lookup


@pytest.mark.parametrize(
    "name",
    [
        "nginx",
        "nginx:latest",
        "nginx:1.28.0",
        "nginx:1.29",
        "nginx:1.28.0-alpine",
        "nginx:stable-alpine3.20-slim",
        "docker.io/library/nginx:1.28.0",
        "docker.io/nginx:1.28.0",
        "library/nginx:1.28.0",
    ],
)
def test_every_tag_that_nginx_has_is_known(name: str) -> None:
    image = lookup(name)
    assert image is not None
    assert image.stop_signal == "SIGQUIT"
    assert image.command == ("nginx", "-g", "daemon off;")


@pytest.mark.parametrize(
    "name", ["nginx:does-not-exist", "nginxinc/nginx:1.28.0", "ghcr.io/x/nginx:1.28.0", "redis:7", "nginx@sha256:0", ""]
)
def test_an_image_that_is_not_in_the_table_is_unknown(name: str) -> None:
    assert lookup(name) is None


def test_the_image_names_itself_in_a_header_and_reads_only_conf_d() -> None:
    image = lookup("nginx:1.29.1")
    assert image is not None
    conf = dict(image.files)["/etc/nginx/nginx.conf"]
    assert 'add_header X-Image "nginx:1.29.1" always;' in conf
    includes = [line.split()[1] for line in conf.splitlines() if line.strip().startswith("include")]
    assert includes == ["/etc/nginx/mime.types;", "/etc/nginx/conf.d/*.conf;"]


def test_the_worker_is_this_python_and_takes_arguments() -> None:
    image = lookup(WORKER)
    assert image is not None
    assert image.entrypoint[1:] == ("-P", "-m", "harness.load")
    assert "PYTHONPATH" in dict(image.env)


def test_traefik_3_is_the_binary_of_this_machine_and_no_other_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "traefik"
    program.touch(mode=0o755)
    monkeypatch.setattr(images, "traefik_program", lambda: str(program))
    image = lookup("docker.io/library/traefik:v3.7.15")
    assert image is not None
    assert dict(image.links) == {"/usr/local/bin/traefik": str(program)}
    (script, text), *_ = image.files
    assert image.entrypoint == ("sh", script)
    (tmp_path / "entrypoint.sh").write_text(text)
    program.write_text('#!/bin/sh\necho "it got $*"\n')
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    for words, said in (
        (["--ping"], "it got --ping"),
        (["traefik", "version"], "it got version"),
        (["echo", "a"], "a"),
    ):
        done = subprocess.run(
            ["sh", tmp_path / "entrypoint.sh", *words], env=env, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == said
    assert lookup("traefik:v3") is not None
    assert lookup("traefik") is not None
    assert lookup("traefik:v2.11") is None
    assert lookup("traefik:1.7-alpine") is None
    monkeypatch.setattr(images, "traefik_program", lambda: None)
    assert lookup("traefik:v3") is None


def test_a_users_image_comes_before_the_built_in_one() -> None:
    own = Image(name="nginx", command=("my-nginx",), stop_signal="SIGTERM")
    assert lookup("nginx:1.28.0", (own,)) is own
    assert lookup("docker.io/library/nginx:1.28.0", (own,)) is own


def test_a_users_image_with_a_tag_stands_for_that_tag_only() -> None:
    own = Image(name="shop:2", command=("shop",))
    assert lookup("shop:2", (own,)) is own
    assert lookup("shop:3", (own,)) is None


def test_an_image_without_a_program_or_with_an_unknown_signal_is_refused() -> None:
    with pytest.raises(ValueError, match="must name a program"):
        Image(name="empty")
    with pytest.raises(ValueError, match="SIGNOPE"):
        Image(name="x", command=("x",), stop_signal="SIGNOPE")


def test_an_image_survives_the_way_as_json() -> None:
    image = lookup("nginx:1.28.0")
    assert image is not None
    assert Image.from_json(image.to_json()) == image


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.28.0", "docker.io/library/nginx:1.28.0"),
        ("acme/shop", "docker.io/acme/shop:latest"),
        ("ghcr.io/acme/shop:2", "ghcr.io/acme/shop:2"),
        ("localhost:5000/shop:2", "localhost:5000/shop:2"),
    ],
)
def test_names_are_spelled_out_as_a_runtime_does(name: str, full: str) -> None:
    assert full_name(name) == full


def test_short_names_drop_what_goes_without_saying() -> None:
    assert short_name("docker.io/library/nginx:1.28.0") == "nginx:1.28.0"
    assert short_name("ghcr.io/acme/shop") == "ghcr.io/acme/shop"
