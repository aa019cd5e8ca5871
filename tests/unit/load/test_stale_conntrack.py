"""What the kernel's table of connections says of source ports that are used again: none goes to a pod that is gone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ALL_PORTS = [*range(20000, 20008)]


@pytest.fixture(scope="module")
def steps() -> dict[str, dict[str, Any]]:
    """What the node of `stale_node` printed."""
    if shutil.which("nft") is None or shutil.which("nsenter") is None:
        pytest.skip("needs nft (nftables) and nsenter (util-linux)")
    prefix = ["unshare", "-Urn", sys.executable]
    if subprocess.run([*prefix, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip("needs network namespaces (unshare -Urn)")
    node = subprocess.run(
        [*prefix, "-m", "tests.unit.load.stale_node"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert node.returncode == 0, node.stderr
    return {said["step"]: said for said in map(json.loads, node.stdout.splitlines())}


def recorded(step: dict[str, Any]) -> set[tuple[str, str]]:
    """Outcome and pod of its requests."""
    return {(outcome, pod) for _, outcome, pod in step["recorded"]}


def ports(step: dict[str, Any]) -> list[int]:
    return [port for port, _, _ in step["recorded"]]


def test_a_port_whose_connection_was_closed_in_good_order_goes_at_once_where_it_goes_now(
    steps: dict[str, dict[str, Any]],
) -> None:
    before, after = steps["answered by a"], steps["answered by b"]
    assert ports(before) == ports(after) == ALL_PORTS * 2
    assert before["answering"] == dict.fromkeys(map(str, ALL_PORTS), "a")  # an entry of each, in TIME_WAIT
    assert recorded(after) == {("ok", "b")}
    assert after["answering"] == dict.fromkeys(map(str, ALL_PORTS), "b")


def test_one_that_was_refused_leaves_no_entry(steps: dict[str, dict[str, Any]]) -> None:
    assert recorded(steps["refused by a"]) == {("connect-refused", "")}
    assert steps["refused by a"]["answering"] == {}
    assert recorded(steps["answered after the refusals"]) == {("ok", "b")}


def test_one_whose_syn_nobody_answered_rests_while_its_entry_goes_on_to_lead_astray(
    steps: dict[str, dict[str, Any]],
) -> None:
    silent, after = ports(steps["a is dark"]), steps["answered after the silence"]
    assert recorded(steps["a is dark"]) == {("connect-timeout", "")}
    assert recorded(after) == {("ok", "b")}
    assert set(ports(after)) == set(ALL_PORTS) - set(silent)
    assert {after["answering"][str(port)] for port in silent} == {"a"}
    # That the rest is what keeps them away: who takes the port goes to the pod that is gone.
    assert steps["one that does not rest"]["found"] == "TimeoutError"
