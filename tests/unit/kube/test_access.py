"""Other programs reach the cluster of the run, and its namespace; people's own kubeconfigs stay as they are."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ClusterError
from harness.kube.access import Access, environment_for


def kubeconfig(*contexts: str, current: str) -> dict[str, Any]:
    return {
        "current-context": current,
        "contexts": [{"name": name, "context": {"cluster": f"{name}-c", "user": f"{name}-u"}} for name in contexts],
        "clusters": [{"name": f"{name}-c", "cluster": {"server": f"https://{name}"}} for name in contexts],
        "users": [{"name": f"{name}-u", "user": {"token": f"{name}-secret"}} for name in contexts],
    }


def first_file(environment: dict[str, str]) -> tuple[Path, dict[str, Any]]:
    file = Path(environment["KUBECONFIG"].split(os.pathsep)[0])
    return file, json.loads(file.read_text())


def test_the_context_of_the_run_is_the_current_one_and_no_credential_is_copied(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text(json.dumps(kubeconfig("prod", current="prod")))
    two.write_text(json.dumps(kubeconfig("staging", current="staging")))
    with environment_for(Access(files=(one, two), context="staging"), "shop") as environment:
        file, said = first_file(environment)
        assert environment["KUBECONFIG"].split(os.pathsep)[1:] == [str(one), str(two)]
        assert said["current-context"] == said["contexts"][0]["name"]
        assert said["contexts"][0]["context"] == {"cluster": "staging-c", "user": "staging-u", "namespace": "shop"}
        assert "secret" not in file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.exists()


def test_without_a_context_the_first_current_one_is_meant(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(json.dumps(kubeconfig("prod", "staging", current="staging")))
    with environment_for(Access(files=(tmp_path / "none", file)), "shop") as environment:
        assert first_file(environment)[1]["contexts"][0]["context"]["cluster"] == "staging-c"


def test_a_kubeconfig_at_hand_is_given_whole() -> None:
    at_hand = kubeconfig("sandbox", current="sandbox")
    with environment_for(Access(at_hand=at_hand), "shop") as environment:
        _, said = first_file(environment)
    assert said["clusters"] == at_hand["clusters"]
    assert said["users"] == at_hand["users"]
    assert said["contexts"][0]["context"]["namespace"] == "shop"


def test_a_context_that_is_gone_meanwhile_is_said(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(json.dumps(kubeconfig("prod", current="prod")))
    with (
        pytest.raises(ClusterError, match="context staging again"),
        environment_for(Access(files=(file,), context="staging"), "shop"),
    ):
        pass
