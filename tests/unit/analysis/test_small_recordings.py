"""The core claim, from a clone alone: real rollouts, cut small, are judged as the kernel knows that they were."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from harness.analysis import judge
from harness.model.result import Cause
from harness.model.run import Run
from harness.store.reader import read_run

from .recordings import SHARED, SMALL, accuracy, check_judgement, names, needs, program

RICH = SHARED / "rich"
CASES = names(SMALL)
LARGEST_BYTES = 3_000_000

# What each is here to show: the causes that the kernel knows of it. A folder that is not here is a test that fails.
SHOWS = {
    "app-errors": {Cause.APPLICATION},
    "default-3replicas-sync1s": {Cause.TERMINATION_RACE},
    "mitigated-3replicas-sync1s": set[Cause](),
    "sigterm-stop": {Cause.TERMINATION_RACE, Cause.IN_FLIGHT_KILL},
    "stale-conntrack-port-reuse": {Cause.TERMINATION_RACE, Cause.STALE_CONNTRACK},
}


@pytest.fixture(scope="module", params=SHOWS)
def recording(request: pytest.FixtureRequest) -> tuple[Path, Run]:
    return SMALL / request.param, read_run(SMALL / request.param)


def test_every_recording_in_the_folder_is_tested() -> None:
    assert sorted(SHOWS) == CASES


@pytest.mark.parametrize("knowledge", list(accuracy.KNOWLEDGE))
def test_the_judgement_is_right(recording: tuple[Path, Run], knowledge: str) -> None:
    check_judgement(*recording, knowledge)


def test_each_shows_the_causes_that_it_is_here_for(recording: tuple[Path, Run]) -> None:
    folder, run = recording
    assert {failure.cause for failure in judge(run).failures} == SHOWS[folder.name]


def test_they_are_whole_run_directories(recording: tuple[Path, Run]) -> None:
    _, run = recording
    assert run.damage == ()
    assert not run.requests.is_empty()
    for (stream, worker), rows in run.requests.group_by("stream", "worker"):
        seq = rows["seq"].sort().to_list()
        assert seq == list(range(len(seq))), f"a gap in {stream} of worker {worker}"
    assert Counter(seen.type for seen in run.timeline if seen.kind == "Mark")["update"] == len(run.info.rollouts)


def test_they_stay_small() -> None:
    assert sum(file.stat().st_size for file in SMALL.rglob("*") if file.suffix != ".pyc") < LARGEST_BYTES


@needs(names(RICH), RICH)
def test_they_are_what_the_script_cuts_from_the_whole_ones(tmp_path: Path) -> None:
    program(SMALL / "make.py").make(RICH, tmp_path)
    cut = {file.relative_to(tmp_path): file.read_bytes() for file in tmp_path.rglob("*.*") if file.is_file()}
    assert cut
    assert cut == {path: (SMALL / path).read_bytes() for path in cut}
