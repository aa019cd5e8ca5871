"""Somebody else's cluster gets no more than it bears, unless more is asked for on purpose; our own gets all of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import called

from harness.errors import UsageError
from harness.fixture_files import fixtures
from harness.model.experiment import LoadSettings
from harness.runner.ports import check_rate


def load(new: float, kept: float, **more: float) -> LoadSettings:
    return LoadSettings.model_validate({"new": {"rate": new}, "kept": {"rate": kept}, **more})


def test_all_streams_together_are_what_a_cluster_bears() -> None:
    check_rate("context:staging", load(400, 600))
    with pytest.raises(UsageError, match=r"planning 1001 requests/s.*1000/s at most.*max_rate: 1001"):
        check_rate("context:staging", load(400, 601))
    with pytest.raises(UsageError):
        check_rate("context", load(400, 601))


def test_a_dry_run_says_what_the_run_would_be_refused_for(tmp_path: Path) -> None:
    file = fixtures() / "experiments" / "demo.yaml"
    text = (
        file.read_text()
        .replace("rate: 100", "rate: 2000")
        .replace("../manifests", str(file.parent.parent / "manifests"))
    )
    (tmp_path / "fast.yaml").write_text(text)
    fast = called("run", str(tmp_path / "fast.yaml"), "--dry-run", "--cluster", "context:staging")
    assert (fast.code, fast.out) == (2, "")
    assert "write `max_rate: 2050` under `load:`" in fast.error


def test_more_is_sent_where_that_is_meant() -> None:
    check_rate("context:staging", load(4000, 600, max_rate=4600))
    with pytest.raises(UsageError):
        check_rate("context:staging", load(5, 6, max_rate=10))


@pytest.mark.parametrize("kind", ["sandbox", "kind", "k3s"])
def test_a_cluster_that_is_ours_alone_may_be_driven_hard(kind: str) -> None:
    check_rate(kind, load(4000, 600))
