"""What is drawn of a rollout, against what the kernel knew of every connection."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from harness.analysis import judge
from harness.model.race import Races
from harness.store.reader import read_run

RECORDING = Path(__file__).parents[2] / "recordings" / "default-3replicas-sync1s"


@pytest.fixture(scope="module")
def found() -> Races:
    return judge(read_run(RECORDING)).races


def connections() -> dict[str, list[float]]:
    """When each pod was sent a new connection: by its answer, or by the conntrack of the node where there was none."""
    with (RECORDING / "truth.csv").open() as file:
        went = {(row["stream"], row["worker"], row["seq"]): row["sent_to_pod"] for row in csv.DictReader(file)}
    pods = defaultdict(list)
    with (RECORDING / "requests.csv").open() as file:
        for row in csv.DictReader(file):
            pod = row["pod"] or went.get((row["stream"], row["worker"], row["seq"]))
            if pod and row["started"] and row["reused"] != "1":
                pods[pod].append(float(row["started"]))
    return pods


def test_the_data_plane_s_interval_is_that_of_the_kernel(found: Races) -> None:
    true = connections()
    (race,) = found.races
    ended = [pod for pod in race.pods if pod.sent_until is not None]
    come = [pod for pod in race.pods if pod.sent_from is not None]
    assert (len(ended), len(come)) == (3, 3)
    for pod in ended:
        assert pod.sent_until is not None
        assert pod.sent_until.earliest - 0.001 <= max(true[pod.name]) <= pod.sent_until.latest
    for pod in come:
        assert pod.sent_from is not None
        assert pod.sent_from.earliest <= min(true[pod.name]) <= pod.sent_from.latest + 0.001


def test_every_lost_request_is_there_with_its_rule_and_is_counted_in_its_beat(found: Races) -> None:
    (race,) = found.races
    assert race.failed == len(race.lost) == 64
    assert sum(sum(beat.failed.values()) for beat in race.beats) == 64
    assert {lost.rule for lost in race.lost} == set(found.rules)
    assert all(lost.candidates for lost in race.lost)
    kept = [lost.earlier for lost in race.lost if lost.reused]
    assert all(before is not None and before.opened < before.last for before in kept)
