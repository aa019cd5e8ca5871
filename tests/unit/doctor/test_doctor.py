"""The doctor asks the programs themselves, says what is wrong with each, and names one command that mends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from program import called

from harness.doctor.finding import Finding, State
from harness.doctor.installing import install
from harness.doctor.looking import program
from harness.doctor.table import ROWS, Row, examine, fit
from harness.errors import UsageError

DOWN = "echo partial; echo Cannot connect to the Docker daemon. >&2; exit 1"


@pytest.mark.anyio
async def test_each_program_is_asked_and_told_apart(tmp_path: Path) -> None:
    for name, does in (("nginx", "echo nginx version: nginx/1.22.1 >&2"), ("docker", DOWN)):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    here = str(tmp_path)
    looks = (
        ("nginx", program("nginx", "-v", path=here)),
        ("docker", program("docker", "info", path=here, alive=True)),
        ("podman", program("podman", "info", path=here, alive=True)),
    )
    found = await examine(Row(name=name, serves="tests", look=look) for name, look in looks)
    assert [(one.name, one.state, one.seen) for one in found] == [
        ("nginx", State.WORKS, "1.22.1"),
        ("docker", State.BROKEN, "Cannot connect to the Docker daemon."),
        ("podman", State.MISSING, "not installed"),
    ]
    assert [one.mend for one in found][:2] == ["", "sudo systemctl start docker"]


@pytest.mark.parametrize(
    ("manager", "programs", "command"),
    [
        ("apt-get", ("nginx", "nft"), "sudo apt-get install -y --no-install-recommends nftables nginx-light"),
        ("dnf", ("ip",), "sudo dnf install -y iproute"),
        ("brew", ("kind",), "brew install kind"),
        ("", ("nginx",), "install nginx with this system's package manager"),
    ],
)
def test_a_program_is_installed_by_what_the_machine_has(manager: str, programs: tuple[str, ...], command: str) -> None:
    assert install(*programs, which=lambda name: name if name == manager else None) == command


def test_what_no_package_has_comes_from_its_makers() -> None:
    command = install("kind", which=lambda name: name if name == "apt-get" else None)
    assert command.startswith("curl -fLo kind https://kind.sigs.k8s.io/dl/v")
    assert command.endswith("&& sudo install -m 0755 kind /usr/local/bin/kind")


def test_one_way_to_make_a_rollout_is_enough_unless_something_is_wanted() -> None:
    found = [
        Finding(name=name, state=state, seen="", mend="", serves="")
        for name, state in (("sandbox", State.WORKS), ("kind", State.MISSING))
    ]
    assert fit(found)
    assert not fit(found, ["kind"])
    assert not fit(found[1:])
    with pytest.raises(UsageError, match="Choose from sandbox, kind"):
        fit(found, ["minikube"])


def test_the_command_tells_of_everything_on_whatever_machine() -> None:
    said = called("doctor", "--json")
    told = json.loads(said.out)
    assert said.code == (0 if told["works"] else 2)
    assert [one["name"] for one in told["findings"]] == [row.name for row in ROWS]
    assert all(one["state"] != "works" or one["mend"] == "" for one in told["findings"])
