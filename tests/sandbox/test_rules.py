"""Every rule of `check` that is proved: the manifest of its page that fails drops calls, and the one that passes none.

Nor does the one that fails after `mitigate` has changed it, but for the lone pod of a StatefulSet, which it leaves.

The manifests are those of docs/rules: what is proved is what the page shows.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from of_fixtures import judged_on_sandbox, run

from harness.cli.mitigated_text import change_text
from harness.model.experiment import Mitigation
from harness.model.mitigations import PURPOSES
from harness.spec.hazard import HazardId
from scripts.rules.cases import CASES, Proof
from scripts.rules.page import manifests

pytestmark = judged_on_sandbox(800, slow=True)

Object = dict[str, Any]


def rolled(written: str, kind: str, proof: Proof, folder: Path, repository: Path) -> Object:
    """What a rollout of it showed."""
    folder.mkdir(parents=True)
    (folder / "manifests.yaml").write_text(written)
    program = ["{python}", "-I", "-S", str(repository / "fixtures" / "app" / "app.py")]
    image: Object = {"command": program, "env": proof.env}
    experiment = {
        "version": 1,
        "name": "rule",
        "manifests": ["manifests.yaml"],
        "target": f"{kind.lower()}/web",
        "service": {"name": "web", "port": 80},
        "cluster": {"sandbox": {"proxy": {"minSyncPeriod": proof.period}}},
        "images": {"app:1": image, "app:2": image},
        "update": {"image": {"app": ["app:2", "app:1"]}},
        "rollouts": 1,
        "control": "2s",
        "churn": "200ms",  # after quiet a proxy applies the first change at once, and shows nothing
        **({"quiet": "2s"} if proof.period == "1s" else {}),
        "load": {**proof.load, "pod_header": "X-Pod"},
    }
    (folder / "experiment.json").write_text(json.dumps(experiment))
    found = run(folder / "experiment.json", timeout_s=300)
    assert found.scenarios, found.said
    (scenario,) = found.scenarios.values()
    return scenario


PROVED = [rule for rule, case in CASES.items() if case.proof is not None]


@pytest.mark.parametrize("rule", PROVED)
def test_what_fails_drops_calls_and_what_passes_drops_none(rule: HazardId, tmp_path: Path, repository: Path) -> None:
    page = (repository / "docs" / "rules" / f"{rule}.md").read_text()
    fails, passes = re.findall(r"^```yaml\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    case = CASES[rule]
    assert case.proof is not None
    found = rolled(fails, case.fails.kind, case.proof, tmp_path / "fails", repository)
    assert found["verdict"] == "dropping", found["reason"]
    lost: dict[str, int] = {}
    for rollout in found["rollouts"]:
        for cause, number in rollout["by_cause"].items():
            lost[cause] = lost.get(cause, 0) + number
    assert any(case.proof.cause in cause for cause in lost), lost
    is_seamless(rolled(passes, case.passes.kind, case.proof, tmp_path / "passes", repository))


def is_seamless(found: Object) -> None:
    assert (found["verdict"], found["reason"]) == ("seamless", "no call was lost to a rollout")
    assert [rollout["dropping"] for rollout in found["rollouts"]] == [False]


@pytest.mark.parametrize("rule", [rule for rule in PROVED if rule is not HazardId.LONE_STATEFUL_POD])
def test_what_mitigate_makes_of_what_fails_drops_none(rule: HazardId, tmp_path: Path, repository: Path) -> None:
    case = CASES[rule]
    assert case.proof is not None
    seconds = {**PURPOSES["internal"], **({"prestop": 15} if rule is HazardId.SLOW_PROXY else {})}
    wanted = [Mitigation.model_validate({name: f"{value}s"}) for name, value in seconds.items()]
    mitigated = change_text(manifests(case.fails), wanted, tried="", mend=True).text
    assert mitigated != manifests(case.fails)
    is_seamless(rolled(mitigated, case.fails.kind, case.proof, tmp_path / "mended", repository))
