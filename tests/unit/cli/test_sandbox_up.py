"""`rollout-harness sandbox up`: what it refuses before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import called
from pydantic import ValidationError
from typer.testing import CliRunner

from harness.cli.app import app
from harness.cli.sandbox import _images
from harness.clusters.data_plane import _configured
from harness.errors import UsageError
from harness.model.cluster_settings import SandboxSettings
from harness.model.run import FactSource
from harness.sandbox.kubeproxyconfig import config_map
from harness.sandbox.netns import MOST_NODES
from harness.sandbox.settings import Settings


def test_a_load_balancer_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"there is no load balancer aws-clb\. There are aws-alb-instance, aws-alb-ip"):
        CliRunner().invoke(app, ["sandbox", "up", "--balancer", "aws-clb"], catch_exceptions=False)


def test_it_takes_as_many_nodes_as_an_experiment_and_no_more() -> None:
    with pytest.raises(ValidationError):
        SandboxSettings(nodes=MOST_NODES + 1)
    said = called("sandbox", "up", "--nodes", str(MOST_NODES + 1))
    assert (said.code, f"less than or equal to {MOST_NODES}" in said.error) == (2, True)
    assert SandboxSettings(nodes=MOST_NODES).nodes == Settings(nodes=MOST_NODES).nodes == MOST_NODES


def test_the_images_of_an_experiment_are_those_of_its_file(repository: Path) -> None:
    names = {image.name for image in _images(repository / "fixtures" / "experiments" / "app.yaml")}
    assert names == {"app:1", "app:2"}
    assert _images(None) == ()


def test_who_reads_the_kube_proxy_of_a_sandbox_by_its_context_finds_its_mode_and_period() -> None:
    for period_s, read_s in ((1.0, 1.0), (0.25, 0.25), (10.0, 10.0), (0.0, 0.001)):
        facts = _configured(config_map(period_s), "config.conf")
        assert (facts.mode, facts.min_sync_period_s, facts.source) == ("nftables", read_s, FactSource.READ)
