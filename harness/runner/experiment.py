"""An experiment -> its folder of run directories, one scenario after the other on one cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.clusters.cluster import Cluster
from harness.clusters.sandbox import define_kinds
from harness.errors import UsageError
from harness.model.progress import Decision, Progress
from harness.model.providers import CONTEXT
from harness.preflight.preflight import preflight
from harness.runner.claim import claimed
from harness.runner.fingerprint import fingerprint
from harness.runner.ports import check_ports, check_rate
from harness.runner.preflight import check_nodes, check_scenarios, intents, trouble
from harness.runner.protected import check_context
from harness.runner.resuming import Left
from harness.runner.rollouts import ContinueAfter
from harness.runner.run import ScenarioRun, ScenarioRunner
from harness.runner.sandbox_limits import in_the_sandbox
from harness.runner.scenario import Scenario
from harness.store.planned import write_planned


async def run_experiment(
    cluster: Cluster,
    scenarios: tuple[Scenario, ...],
    folder: Path,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_scenario: Callable[[ScenarioRun], None] = lambda _: None,
    continue_after: ContinueAfter = lambda _: Decision.CONTINUE,
    keep: bool = False,
    looked: bool = False,
    asked: Mapping[str, Any] = MappingProxyType({}),
    left: Sequence[Left] | None = None,
) -> tuple[ScenarioRun, ...]:
    """Run every scenario into a folder of its own; `on_scenario` hears of each when it is over.

    `keep`: the namespaces, and what is deployed in them, stay for a look. `looked`: somebody has looked at the cluster
    and told what he found; else that is done first, and what is found stands in the progress.
    `asked`: the options that the experiment was asked for with, for whoever resumes it. `left`: of one that is resumed,
    what is left of the `scenarios`, which are the same.
    A scenario that could not even be deployed or loaded ends the experiment: the next ones would end likewise. So does
    any error where the application is not ours: it may not be as it was.

    Raises:
        UsageError: the cluster is known not to run these manifests, something there is in the way, no pod would be
            replaced, or the client host would not bear this load; nothing was changed.
        ClusterError: an image of this machine cannot be put on the cluster's nodes.
        Taken: another run has the workload; nothing was changed.
    """
    sandbox = cluster.facts.kind == "sandbox"
    if sandbox:
        scenarios = tuple(in_the_sandbox(scenario) for scenario in scenarios)
    await _check(cluster, scenarios, left or ())
    # A sandbox is made for the run: nobody can have put anything in its way.
    found = () if looked or sandbox else await _looked_at(cluster, scenarios)
    await cluster.bring(tuple(image for scenario in scenarios for image in scenario.all_images))
    runs: list[ScenarioRun] = []
    async with claimed(cluster.kube, scenarios, folder) as lease:
        if scenarios and left is None:
            experiment = scenarios[0].experiment
            names = [scenario.name for scenario in scenarios]
            write_planned(folder, experiment.name, names, asked, fingerprint(experiment))
        parts = [Left(scenario=scenario, folder=scenario.name) for scenario in scenarios] if left is None else left
        for number, (scenario, part) in enumerate(zip(scenarios, parts, strict=True)):
            runner = ScenarioRunner(
                cluster,
                scenario,
                folder / part.folder,
                place=(number, len(scenarios)),
                on_progress=on_progress,
                continue_after=continue_after,
                keep=keep,
                warned=found,
                lease=lease,
                goes_on_from=part.goes_on_from,
                begun=part.begun,
            )
            run = await runner.run()
            runs.append(run)
            on_scenario(run)
            if run.error is not None and (scenario.experiment.is_there or not run.updates):
                break
    return tuple(runs)


async def _check(cluster: Cluster, scenarios: Sequence[Scenario], left: Sequence[Left]) -> None:
    """Refuse what cannot run there, or is not to; of a sandbox, teach it the kinds that the scenarios bring."""
    check_scenarios(scenarios)
    kind, _, context = cluster.facts.kind.partition(":")
    if kind == CONTEXT:
        for scenario in scenarios:
            check_context(context, scenario.experiment.protected_contexts)
    if kind == "sandbox":
        await define_kinds(cluster.kube, (one for scenario in scenarios for one in scenario.application.manifests))
    for part in left:
        part.check(cluster)
    for scenario in scenarios:
        cluster.check(scenario.all_manifests)
        check_ports(cluster.client, scenario.experiment.load)
        check_rate(cluster.facts.kind, scenario.experiment.load)
    if kind == "sandbox":
        await check_nodes(cluster.kube, scenarios)


async def _looked_at(cluster: Cluster, scenarios: tuple[Scenario, ...]) -> tuple[str, ...]:
    found = await preflight(cluster.kube, intents(scenarios, worker_image=None, cluster=cluster.facts.kind), trouble)
    try:
        found.check()
    except UsageError as error:  # what puts right an earlier run's doing may be among the rest
        error.details = found.told
        raise
    return found.told
