"""`compare` holds runs against each other, and ends as a build can use it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from program import called

from harness.store.planned import write_planned

RECORDINGS = Path(__file__).parents[2] / "recordings"
DROPS, HOLDS = RECORDINGS / "default-3replicas-sync1s", RECORDINGS / "mitigated-3replicas-sync1s"


def test_two_runs_are_compared_measure_by_measure() -> None:
    said = called("compare", HOLDS, DROPS)
    assert said.code == 0, said
    assert max(map(len, said.out.splitlines())) <= 80
    assert "rollouts that drop calls  0 of 1  1 of 1" in said.out
    assert "differs: load: " in said.out
    told = json.loads(called("compare", HOLDS, DROPS, "--json").out)["comparison"]
    assert [one["measure"] for one in told["pairs"][0]["differences"]][:2] == ["failures", "dropping"]


def test_one_rollout_of_each_fails_no_build_and_passes_none() -> None:
    said = called("compare", "--baseline", HOLDS, DROPS)
    assert said.code == 3
    told = " ".join(said.out.split())
    assert "with 1 and 1 rollouts and 2 tests, no regression could have been shown" in told
    assert "Rollouts that each side needs for a regression to be shown" in told
    assert "3 for 0 % to 100 %" in told


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


@pytest.mark.parametrize("left", [None, 0, 1], ids=["missing", "empty", "a head alone"])
def test_rollouts_of_which_no_request_is_there_have_lost_nothing_and_kept_nothing(
    tmp_path: Path, left: int | None
) -> None:
    blind = tmp_path / "blind"
    shutil.copytree(DROPS, blind)
    (blind / "requests.csv").unlink()
    if left is not None:
        lines = (DROPS / "requests.csv").read_text().splitlines(keepends=True)
        (blind / "requests.csv").write_text("".join(lines[:left]))
    said = called("compare", DROPS, blind)
    assert "in doubt: blind: " in said.out
    assert "rollouts that drop calls: not measured in both" in said.out
    assert "lost calls per rollout: not measured in both" in said.out
    assert "By two-sided tests (p), no difference is significant" in said.out
    assert called("compare", "--baseline", DROPS, blind).code == 3
    shutil.copytree(DROPS, tmp_path / "again")
    *_, drawn = [x for x in called("compare", DROPS, blind, tmp_path / "again").out.splitlines() if " blind " in x]
    assert drawn.split()[-3:] == ["-", "-", "-"]


def test_what_a_run_lacks_of_its_baseline_is_said_and_passes_no_build(tmp_path: Path) -> None:
    """A variant of each that the other has not; a planned one that never ran; and a part of which nothing counts."""
    for run, names in (("main", ("a", "b")), ("pr", ("b", "c", "c-part2"))):
        for name in names:
            shutil.copytree(HOLDS, folder := tmp_path / run / name)
            info = json.loads((folder / "run.json").read_text()) | {"variant": name[0]}
            if name == "c":
                info |= {"finished": False, "gone_on": {"by": "c-part2", "rollouts": 0, "until": 0.0}}
            (folder / "run.json").write_text(json.dumps(info))
    write_planned(tmp_path / "pr", "night", ["b", "c", "never"])
    told = json.loads(called("compare", "--baseline", tmp_path / "main", tmp_path / "pr", "--json").out)["comparison"]
    assert told["exit_code"] == 3
    assert told["why"][:2] == [
        "pr: planned, and never ran: never",
        "a clusterip of main is compared with nothing: pr has none",
    ]
    assert told["unmatched"] == ["c clusterip of pr is compared with nothing: main has none"]
    assert "c clusterip of pr is compared with nothing" in " ".join(
        called("compare", tmp_path / "main", tmp_path / "pr").out.split()
    )
    shutil.rmtree(tmp_path / "pr" / "b")
    alike = json.loads(called("compare", tmp_path / "pr", tmp_path / "pr", "--json").out)["comparison"]["pairs"][0]
    assert (alike["second"]["rollouts"], alike["second"]["doubt"]) == (1, ""), (
        "the part that does not count is no doubt"
    )


def test_power_is_told_beforehand_and_of_a_run_that_has_nothing_to_be_compared_with() -> None:
    for said in (called("compare", "--power"), called("compare", "--power", HOLDS)):
        assert said.code == 0
        assert "rollouts that drop calls  0 % to 100 %         3" in said.out, said.out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "no run is given"),
        ([str(DROPS)], "it has only one variant on one path"),
        ([str(DROPS), "--on", "p99"], "it only goes with --baseline"),
        ([str(DROPS), "nowhere"], "there is no such folder"),
    ],
)
def test_what_cannot_be_compared_is_said(words: list[str], error: str) -> None:
    assert error in called("compare", *words).error
