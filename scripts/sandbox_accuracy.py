"""Rollouts on the sandbox, recorded with the kernel's truth of every connection -> folders that accuracy.py reads.

    python scripts/sandbox_accuracy.py OUT [--only CASE...]       then: python scripts/accuracy.py OUT

Each case is one variant of an experiment in fixtures/experiments, on a sandbox of its own. OUT/CASE is its run
directory with truth.csv and truth-pods.json beside; OUT/expected.json has what is right: the verdict is the case's,
which rollouts dropped calls is the truth's. Needs what the sandbox needs; takes about eight minutes.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import anyio

from harness.clusters.choice import cluster
from harness.errors import HarnessError
from harness.fixture_files import fixtures
from harness.model.result import Cause
from harness.runner.experiment import run_experiment
from harness.runner.experiment_file import read_experiment
from harness.runner.scenario import scenarios
from harness.sandbox.instruments.truth.join import Joined, write_truth
from harness.store.reader import read_info

_DROPPING = frozenset({Cause.TERMINATION_RACE, Cause.CREATION_RACE, Cause.IN_FLIGHT_KILL, Cause.NO_ENDPOINTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A variant of an experiment, and the verdict that is right."""

    name: str
    experiment: str
    variant: str
    verdict: str


CASES = (
    Case(name="app-default-3replicas-sync1s", experiment="app", variant="default", verdict="dropping"),
    Case(name="app-mitigated-3replicas-sync1s", experiment="app", variant="both", verdict="seamless"),
    Case(name="nginx-default-2replicas-sync1s", experiment="demo", variant="default", verdict="dropping"),
    Case(name="minready-only-3replicas-sync10s", experiment="proxy-10s", variant="min-ready", verdict="dropping"),
    Case(name="no-probe-slowstart-2replicas", experiment="slow-start", variant="no-probe", verdict="dropping"),
    Case(name="recreate-slowstart", experiment="recreate", variant="default", verdict="dropping"),
    Case(name="sigterm-cut-slow-stream", experiment="sigterm", variant="default", verdict="dropping"),
    Case(name="app-errors-mitigated", experiment="app-errors", variant="both", verdict="seamless"),
    Case(name="idle-close-mitigated", experiment="idle-close", variant="both", verdict="seamless"),
    Case(name="new-version-errors", experiment="new-version-errors", variant="both", verdict="inconclusive"),
    Case(name="new-version-crashes", experiment="crash", variant="both", verdict="inconclusive"),
)


async def recorded(case: Case, out: Path) -> Joined:
    """Run a case on a sandbox of its own; its run directory becomes OUT/CASE."""
    experiment = read_experiment(fixtures() / "experiments" / f"{case.experiment}.yaml")
    (scenario,) = (scenario for scenario in scenarios(experiment) if scenario.variant == case.variant)
    record = out / f"{case.name}.truth.jsonl"
    async with cluster(experiment.cluster, experiment.images, truth=record) as ours:
        (run,) = await run_experiment(ours, (replace(scenario, name=case.name),), out)
    if run.error is not None:
        raise run.error
    return write_truth(run.folder, record)


def dropping(run: Path) -> list[bool]:
    """Per rollout, whether the truth has a request that it cost."""
    updates = [rollout.update for rollout in read_info(run, []).rollouts]
    found = [False] * len(updates)
    with (run / "truth.csv").open(newline="") as truth, (run / "requests.csv").open(newline="") as requests:
        for told, request in zip(csv.DictReader(truth), csv.DictReader(requests), strict=True):
            if told["cause"] in _DROPPING:
                before = sum(update <= float(request["scheduled"]) for update in updates)
                if before:
                    found[before - 1] = True
    return found


def main(arguments: list[str]) -> int:
    """Record the cases one after the other; 1 where a truth is not whole or contradicts its case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES], metavar="CASE")
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    known = asked.out / "expected.json"
    expected = json.loads(known.read_text()) if known.is_file() else {}
    good = True
    for case in CASES:
        if case.name not in (asked.only or [case.name]):
            continue
        try:
            joined = anyio.run(partial(recorded, case, asked.out))
        except HarnessError as error:
            print(f"{case.name}: {error}", file=sys.stderr)
            return 2
        cost = dropping(asked.out / case.name)
        sound = (
            joined.unexplained == 0 and joined.agreeing == joined.named and any(cost) == (case.verdict == "dropping")
        )
        print(f"{case.name}: {joined}, rollouts that cost requests: {cost}{'' if sound else ' - not as it must be'}")
        expected[case.name] = {"verdict": [case.verdict], "rollouts": cost}
        known.write_text(json.dumps(expected, indent=1) + "\n")
        good &= sound
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
