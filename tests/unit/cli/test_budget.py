"""`--budget` adds to what the experiment says; what is no limit is refused with what would do."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.budget import within_budget
from harness.errors import UsageError
from harness.fixture_files import fixtures
from harness.model.experiment import Experiment
from harness.runner.experiment_file import read_experiment
from harness.store.run_json import from_json


def experiment(tmp_path: Path, more: str = "") -> Experiment:
    text = (fixtures() / "experiments" / "demo.yaml").read_text()
    file = tmp_path / "e.yaml"
    file.write_text(f"{text}\n{more}")
    return read_experiment(file)


def test_options_add_to_the_file_and_come_before_it(tmp_path: Path) -> None:
    described = experiment(tmp_path, "budget: {failed: 3, outage: 500ms, rollout: 1m}")
    assert described.budget is not None
    assert described.budget.limits == {"failed": 3, "outage": 0.5, "rollout": 60.0}
    asked = within_budget(described, ["failed=0", "failed_ratio=0.1%", "p99_during = 250ms"]).budget
    assert asked is not None
    assert asked.limits == {"failed": 0, "failed_ratio": 0.001, "outage": 0.5, "p99_during": 0.25, "rollout": 60.0}
    assert within_budget(described, []).budget is described.budget


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("faild=0", "there is no limit 'faild'; did you mean failed?"),
        ("failed", "it has no value"),
        ("failed=-1", "--budget failed=-1: "),
        ("failed=many", "--budget failed=many: "),
        ("failed_ratio=lots", "'lots' is no share such as 0.1% or 0.001"),
        ("failed_ratio=200%", "--budget failed_ratio=200%: "),
        ("outage=5", "--budget outage=5: "),
        ("p99_during=0s", "--budget p99_during=0s: it must be greater than 0"),
    ],
)
def test_what_is_no_limit_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        within_budget(experiment(tmp_path), [text])


def test_a_run_keeps_its_budget_and_an_older_one_has_none() -> None:
    assert from_json({"budget": {"failed": 0, "of the future": 1.0}}).budget == {"failed": 0}
    assert from_json({}).budget == {}
