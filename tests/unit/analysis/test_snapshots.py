"""Every recording of a real cluster -> the whole result, frozen: what a change of the structure must not change.

pytest tests/unit/analysis/test_snapshots.py --update-golden      writes them anew; look at the difference then
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.analysis import judge
from harness.model.result import ScenarioResult
from harness.model.run import Run
from harness.store.reader import read_run
from harness.store.results import scenario_json

from .recordings import SHARED, SMALL, accuracy

SNAPSHOTS = Path(__file__).parent / "snapshots"
NAMES = sorted(path.stem for path in SNAPSHOTS.glob("*.json"))
FOLDERS = {folder.name: folder for kind in ("rich", "real") for folder in (SHARED / kind).glob("*/")}
FOLDERS |= {f"small-{truth.parent.name}": truth.parent for truth in SMALL.glob("*/truth.csv")}


def frozen(result: ScenarioResult) -> dict[str, Any]:
    """All of result.json, and of failures.csv each cause and pod with its number and a digest of every row."""
    rows = [
        (f.stream, f.worker, f.seq, f.rollout, str(f.cause), f.pod, f.evidence)
        for f in sorted(result.failures, key=lambda f: (f.stream, f.worker, f.seq))
    ]
    counts = Counter(f"{cause} {pod}".strip() for *_, cause, pod, _ in rows)
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    return {
        "result": json.loads(json.dumps(scenario_json(result))),
        "failures": {"digest": digest, "by_cause_and_pod": dict(sorted(counts.items()))},
    }


def shortened(result: ScenarioResult) -> dict[str, Any]:
    """The verdict and causes of a run of which less was known, and a digest of everything."""
    whole = json.dumps(frozen(result), sort_keys=True)
    return {
        "verdict": str(result.verdict),
        "reason": result.reason,
        "causes": result.causes,
        "digest": hashlib.sha256(whole.encode()).hexdigest(),
    }


def told(run: Run, knowledge: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (frozen if name == "all" else shortened)(judge(replace(blanked(run), damage=run.damage)))
        for name, blanked in knowledge.items()
    }


@pytest.mark.parametrize("name", sorted({*NAMES, *FOLDERS}))
def test_the_whole_result_is_as_it_was(name: str, request: pytest.FixtureRequest) -> None:
    if name not in FOLDERS:
        pytest.skip(f"the recordings are not here: {name}")
    found = told(read_run(FOLDERS[name]), accuracy.KNOWLEDGE)
    path = SNAPSHOTS / f"{name}.json"
    if request.config.getoption("--update-golden"):
        path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert found == json.loads(path.read_text(encoding="utf-8"))
