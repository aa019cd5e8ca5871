"""What a run on somebody's cluster says where there is nobody to ask."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from program import told

if TYPE_CHECKING:
    from pathlib import Path

# Nothing listens there: a run that goes on to the cluster ends with another error.
AWAY = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "staging",
    "contexts": [{"name": "staging", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
}


@pytest.mark.parametrize("sh", ["exec < /dev/null", "exec <&-"], ids=["no terminal", "closed"])
def test_a_cluster_that_does_not_answer_is_the_error_and_that_nobody_can_be_asked_is_said_too(
    sh: str, tmp_path: Path, repository: Path
) -> None:
    (tmp_path / "kubeconfig").write_text(json.dumps(AWAY))
    experiment = repository / "fixtures" / "experiments" / "app.yaml"
    ended = told(
        "run", experiment, "--cluster", "context:staging", env={"KUBECONFIG": str(tmp_path / "kubeconfig")}, sh=sh
    )
    assert ended.code == 2
    assert "Give --yes to run without asking." in " ".join(ended.err.split())
    assert "error: GET /version on 127.0.0.1:1: no answer" in ended.error


def test_a_kubeconfig_that_is_not_there_is_the_error_not_that_nobody_can_be_asked(
    tmp_path: Path, repository: Path
) -> None:
    experiment = repository / "fixtures" / "experiments" / "app.yaml"
    missing = {"KUBECONFIG": str(tmp_path / "none")}
    ended = told("run", experiment, "--cluster", "context:staging", env=missing, sh="exec < /dev/null")
    assert ended.code == 2
    assert ended.error == (
        f"error: looking for context staging: there is no kubeconfig at {tmp_path / 'none'}. Set KUBECONFIG."
    )
