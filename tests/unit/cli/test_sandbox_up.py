"""`rollout-harness sandbox up`: what it refuses before anything is started."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.errors import UsageError


def test_a_load_balancer_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"there is no load balancer aws-clb\. There are aws-alb-instance, aws-alb-ip"):
        CliRunner().invoke(app, ["sandbox", "up", "--balancer", "aws-clb"], catch_exceptions=False)
