"""`rollout-harness watch`: an application that others roll -> the rollouts that they make meanwhile, judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.budget import within_budget
from harness.cli.described import told_file
from harness.cli.ending import conclude
from harness.cli.loudness import Quiet, Verbose
from harness.cli.run import Budgets, Cluster, WorkerImage, plan_and_run
from harness.cli.there import context_there
from harness.cli.way_in import WayIn, way_in
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.model.experiment import Experiment

_OPTIONS = {"for": "--for", "until_rollouts": "--until-rollouts", "path": "--request-path", "rate": "--rate"}
"""What an option is called in an experiment, and on the command line."""


def watch(
    target: Annotated[str, typer.Option(help="The workload that others roll, such as deployment/shop.")],
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Its namespace.")],
    service: Annotated[str | None, typer.Option(help="The Service to call: NAME or NAME:PORT.")] = None,
    cluster: Cluster = None,
    for_: Annotated[str, typer.Option("--for", metavar="TIME", help="How long to watch.")] = "30m",
    until_rollouts: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Stop after this many rollouts; fewer are inconclusive.")
    ] = None,
    path: WayIn = None,
    request_path: Annotated[
        str | None, typer.Option(help="The path to request. Default: that of the readiness probe.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Requests per second on new connections; half as many more on kept-alive ones.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the run. Default: reports/NAME-TIME.")] = None,
    worker_image: WorkerImage = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    budget: Budgets = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Send load, change nothing, and judge every rollout that others make: a colleague, Argo CD, Flux."""
    watched = {"for": for_, **({"until_rollouts": until_rollouts} if until_rollouts else {})}
    described = _described(target.lower(), namespace, service, cluster, watched, way_in(path))
    if request_path is not None:
        described["request"] = {**described.get("request", {}), "path": request_path}
    if rate is not None:
        load = described["load"]
        described["load"] = {**load, "new": {"rate": rate}, "kept": {**load["kept"], "rate": max(1.0, rate / 2)}}
    experiment = _experiment(described)
    told_file("# This file would watch the same:", described)
    code = plan_and_run(
        within_budget(experiment, budget or []),
        cluster=cluster,
        out=out,
        worker_image=worker_image,
        yes=yes,
        dry_run=False,
        apply_sizing=False,
        truth=None,
    )
    if code is not None:
        conclude(code)


def _described(
    target: str,
    namespace: str,
    service: str | None,
    cluster: str | None,
    watched: Mapping[str, Any],
    way: Mapping[str, Any],
) -> dict[str, Any]:
    """What the file of an experiment on that application would hold; `watched`: how; `way`: its `path`, if given."""
    import anyio

    from harness.clusters.choice import chosen
    from harness.model.cluster_settings import ClusterSettings
    from harness.model.providers import PROTECTED_CONTEXTS
    from harness.runner.there import kind_of

    kind_of(target)
    settings = chosen(cluster, ClusterSettings.model_validate({"sandbox": {}}))
    context = context_there(settings, target, PROTECTED_CONTEXTS)

    async def asked() -> dict[str, Any]:
        from harness.kube.connection import from_context
        from harness.runner.from_cluster import described_there
        from harness.runner.there import manifests_there

        async with from_context(context) as kube:
            await kube.version()
            return described_there(
                await manifests_there(kube, namespace, target),
                target=target,
                namespace=namespace,
                service=service,
                done={"disruption": {"watch": watched}, **way},
                cluster={"context": context},
            )

    return anyio.run(asked)


def _experiment(described: dict[str, Any]) -> Experiment:
    """The experiment, or what of the options is none.

    Raises:
        UsageError: says which.
    """
    from pydantic import ValidationError

    from harness.model.experiment import Experiment
    from harness.runner.experiment_problems import best_fitting

    try:
        return Experiment.model_validate(described)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = next((name for part, name in _OPTIONS.items() if part in first["loc"]), "")
        _, said = best_fitting(error, described)
        raise UsageError(f"reading {option or 'the options of watch'}", said) from None
