"""pytest: `rollout(...)` rolls an application under load inside a test and gives the verdict (docs/pytest.md).

Heavy things are imported inside fixtures only, so that a test run that does not roll anything pays nothing.
"""

from __future__ import annotations

from harness.pytest_plugin.fixtures import rollout, rollout_cluster, rollout_clusters, rollout_namespace, rollout_portal
from harness.pytest_plugin.hooks import (
    pytest_addoption,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)
from harness.pytest_plugin.protocol import Rollout
from harness.pytest_plugin.result import RolloutResult

__all__ = [
    "Rollout",
    "RolloutResult",
    "pytest_addoption",
    "pytest_configure",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
    "rollout",
    "rollout_cluster",
    "rollout_clusters",
    "rollout_namespace",
    "rollout_portal",
]
