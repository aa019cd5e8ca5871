"""`compare` holds runs against each other, and ends as a build can use it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from program import called

RECORDINGS = Path(__file__).parents[2] / "recordings"
DROPS, HOLDS = RECORDINGS / "default-3replicas-sync1s", RECORDINGS / "mitigated-3replicas-sync1s"


def test_two_runs_are_compared_measure_by_measure() -> None:
    said = called("compare", HOLDS, DROPS)
    assert said.code == 0, said
    assert max(map(len, said.out.splitlines())) <= 80
    assert "rollouts that drop calls  0 of 1  1 of 1" in said.out
    assert "unlike: load: " in said.out
    told = json.loads(called("compare", HOLDS, DROPS, "--json").out)["comparison"]
    assert [one["measure"] for one in told["pairs"][0]["differences"]][:2] == ["failures", "dropping"]


def test_one_rollout_of_each_fails_no_build_and_passes_none() -> None:
    assert called("compare", "--baseline", HOLDS, DROPS).code == 3


def test_the_variants_of_one_experiment_and_a_series_of_runs(tmp_path: Path) -> None:
    for number, run in enumerate((HOLDS, DROPS, DROPS)):
        for name in ("a", "b"):
            shutil.copytree(run, folder := tmp_path / f"run-{number}" / name)
            info = json.loads((folder / "run.json").read_text()) | {"variant": name, "t0_wall": 1.8e9 + number}
            (folder / "run.json").write_text(json.dumps(info))
    assert "run-0 b clusterip (second) against run-0 a clusterip (first)" in called("compare", tmp_path / "run-0").out
    series = called("compare", *sorted(tmp_path.iterdir()))
    assert "a, clusterip, over time: lost calls per rollout" in series.out
    assert series.out.count("#" * 24) == 4


def test_power_is_told_beforehand() -> None:
    said = called("compare", "--power")
    assert "rollouts that drop calls  0 % to 100 %         3" in said.out, said.out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "no run is given"),
        ([str(DROPS)], "it has one variant on one path"),
        ([str(DROPS), "--on", "p99"], "it goes with --baseline"),
        ([str(DROPS), "nowhere"], "there is no such folder"),
    ],
)
def test_what_cannot_be_compared_is_said(words: list[str], error: str) -> None:
    assert error in called("compare", *words).error
