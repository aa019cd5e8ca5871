"""pytest: `rollout(...)` rolls an application under load inside a test and gives the verdict.

Imports heavy things only inside fixtures, so that a test run that does not roll anything pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.model.providers import choices_by_default

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

    from harness.clusters.cluster import Cluster


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the rollouts happen."""
    group = parser.getgroup("rollout-harness")
    group.addoption("--rollout-cluster", default="sandbox", help=choices_by_default("sandbox"), metavar="CLUSTER")
    group.addoption("--rollout-worker-image", help="image of the load worker's Pod, where the cluster is not ours")
    group.addoption("--rollout-out", type=Path, help="folder of the runs (default: pytest's temporary one)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutResult:
    """What came of the rollouts of one call.

    `seamless` is False when the verdict is `inconclusive`, too: a test must not pass on a run that shows nothing.
    `causes`: failed requests by cause. `report`: the HTML report; the run directory is beside it.
    """

    verdict: str
    reason: str
    sentence: str
    requests: int
    failed: int
    causes: dict[str, int]
    sizing: dict[str, Any]
    report: Path

    @property
    def seamless(self) -> bool:
        """Whether no rollout dropped a call, and the run could have shown it."""
        return self.verdict == "seamless"

    def __repr__(self) -> str:
        """What an assert shows: the verdict for people."""
        parts = (f"{self.verdict}: {self.sentence}", self.reason, f"report: {self.report}")
        return "<" + "; ".join(filter(None, parts)) + ">"


Rollout = Callable[..., RolloutResult]
"""What the `rollout` fixture gives; see there."""


@pytest.fixture(scope="session")
def rollout_portal() -> Iterator[BlockingPortal]:
    """An event loop in a thread of its own, so that `rollout` also works inside a test that runs in one."""
    from anyio.from_thread import start_blocking_portal

    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def rollout_cluster(pytestconfig: pytest.Config, rollout_portal: BlockingPortal) -> Iterator[Cluster]:
    """The cluster of --rollout-cluster, up for the whole test run."""
    from harness.clusters.choice import chosen, cluster
    from harness.errors import SetupError
    from harness.model.experiment import ClusterSettings, SandboxSettings

    settings = chosen(pytestconfig.getoption("--rollout-cluster"), ClusterSettings(sandbox=SandboxSettings()))
    image = pytestconfig.getoption("--rollout-worker-image")
    try:
        with rollout_portal.wrap_async_context_manager(cluster(settings, {}, worker_image=image)) as ours:
            yield ours
    except SetupError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def rollout(
    request: pytest.FixtureRequest, rollout_cluster: Cluster, rollout_portal: BlockingPortal, tmp_path: Path
) -> Rollout:
    """Roll an application under load.

    `rollout(manifest=None, *, target=None, service=None, image=None, rollouts=1, load=None, path="clusterip",
    mitigations=(), expect="seamless") -> RolloutResult`

    manifest: path of a YAML file (default: the nginx of the fixtures). target: "deployment/web"; service: "web:80";
    both are found where the manifest leaves no choice. image: what the first container is updated to (and back, in
    turn); without it the workload is restarted. load: as in an experiment, such as {"new": {"rate": 100}}.
    mitigations: such as [{"prestop": "5s"}]. Synchronous, also inside a running event loop.
    """
    calls = 0

    def roll(manifest: Path | str | None = None, **asked: Any) -> RolloutResult:
        nonlocal calls
        calls += 1
        base = request.config.getoption("--rollout-out")
        folder = (base / request.node.name if base else tmp_path / "rollout") / str(calls)
        return _roll(rollout_cluster, rollout_portal, folder, manifest, **asked)

    return roll


def _roll(
    cluster: Cluster,
    portal: BlockingPortal,
    folder: Path,
    manifest: Path | str | None,
    *,
    target: str | None = None,
    service: str | None = None,
    image: str | None = None,
    rollouts: int = 1,
    load: Mapping[str, Any] | None = None,
    path: str = "clusterip",
    mitigations: Sequence[Mapping[str, str]] = (),
    expect: str = "seamless",
) -> RolloutResult:
    from harness.judged_runs import judge_experiment_folder
    from harness.model.advice import as_object
    from harness.runner.experiment import run_experiment
    from harness.runner.quick import quick_experiment
    from harness.runner.scenario import scenarios

    experiment = quick_experiment(
        manifest,
        target=target,
        service=service,
        image=image,
        rollouts=rollouts,
        load=load,
        path=path,
        mitigations=mitigations,
        expect=expect,
    )
    (run,) = portal.call(run_experiment, cluster, scenarios(experiment), folder)
    if run.error is not None and not run.updates:
        for line in run.error.details:
            run.error.add_note(line)
        raise run.error
    judged = judge_experiment_folder(folder)
    (result,) = judged.result.scenarios
    return RolloutResult(
        verdict=result.verdict.value,
        reason=result.reason,
        sentence=result.sentence,
        requests=result.requests,
        failed=result.failed,
        causes=dict(result.causes),
        sizing=as_object(result.sizing),
        report=folder / "report.html",
    )
