"""The judge on recorded rollouts of real servers: its verdict and its causes are those of kernel and request log."""

from __future__ import annotations

import csv
import tarfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.analysis import judge
from harness.model.result import Cause, ScenarioResult, Verdict
from harness.store.reader import read_run
from scripts.servers.recording import TOLD, VARIANTS
from scripts.servers.rollouts import server_names
from scripts.servers.truth import ROLLOUTS_OWN

RECORDINGS = Path(__file__).parent / "recordings"
CASES = [f"{name}-{variant}" for name in server_names() for variant in VARIANTS]


@dataclass(frozen=True)
class Case:
    """A judgement, and the true cause of each failed request."""

    result: ScenarioResult
    truth: dict[tuple[str, str, str], str]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    return {name: _case(name, tmp_path_factory.mktemp(name)) for name in CASES}


def _case(name: str, folder: Path) -> Case:
    with tarfile.open(RECORDINGS / f"{name}.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    with (folder / TOLD).open(newline="") as rows:
        truth = {(row["stream"], row["worker"], row["seq"]): row["cause"] for row in csv.DictReader(rows)}
    return Case(judge(read_run(folder)), truth)


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_is_dropping_exactly_where_the_rollout_cost_calls(name: str, cases: dict[str, Case]) -> None:
    lost = any(cause in ROLLOUTS_OWN for cause in cases[name].truth.values())
    assert cases[name].result.verdict == (Verdict.DROPPING if lost else Verdict.SEAMLESS), cases[name].result.reason


@pytest.mark.parametrize("name", CASES)
def test_causes_are_the_true_ones(name: str, cases: dict[str, Case]) -> None:
    truth = cases[name].truth
    judged = {(found.stream, str(found.worker), str(found.seq)): found.cause for found in cases[name].result.failures}
    assert judged.keys() == truth.keys()
    known = {key: cause for key, cause in truth.items() if cause != Cause.UNKNOWN}
    wrong = Counter((cause, str(judged[key])) for key, cause in known.items() if judged[key] != cause)
    assert wrong.total() <= 0.05 * len(known), wrong


def test_the_recordings_have_something_of_each_kind_to_tell(cases: dict[str, Case]) -> None:
    told = Counter(cause for case in cases.values() for cause in case.truth.values())
    assert told[Cause.TERMINATION_RACE] > 300
    assert told[Cause.IN_FLIGHT_KILL] > 50
    assert sum(not case.truth for case in cases.values()) >= 9, "rollouts that cost nothing"
