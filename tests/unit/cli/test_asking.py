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
def test_nobody_to_ask_is_said_although_the_cluster_does_not_answer(sh: str, tmp_path: Path, repository: Path) -> None:
    (tmp_path / "kubeconfig").write_text(json.dumps(AWAY))
    experiment = repository / "fixtures" / "experiments" / "app.yaml"
    ended = told(
        "run", experiment, "--cluster", "context:staging", env={"KUBECONFIG": str(tmp_path / "kubeconfig")}, sh=sh
    )
    assert ended.code == 2
    assert "mind: GET /version on 127.0.0.1:1: no answer" in ended.err
    assert ended.error.endswith("there is no terminal to ask. Nothing was changed. Give --yes.")
