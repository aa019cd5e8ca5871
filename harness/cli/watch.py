"""`rollout-harness watch`: an application that others roll -> the rollouts that they make meanwhile, judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.budget import within_budget
from harness.cli.described import told_file
from harness.cli.ending import conclude
from harness.cli.loudness import Quiet, Verbose
from harness.cli.options import Budgets, Cluster, WorkerImage
from harness.cli.paper import check_options, experiment_of
from harness.cli.run import plan_and_run
from harness.cli.there import context_there
from harness.cli.way_in import WayIn, way_in


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
    from harness.runner.from_manifests import LOAD
    from harness.runner.there import kind_of

    watched = {"for": for_, **({"until_rollouts": until_rollouts} if until_rollouts else {})}
    done = {"disruption": {"watch": watched}, **way_in(path)}
    kind_of(target)
    here = {"target": target.lower(), "namespace": namespace, **done}
    check_options(
        _loaded({**here, "load": LOAD}, request_path, rate),
        service=service,
        worker_image=worker_image,
        budget=budget or (),
        out=out,
    )
    described = _loaded(_described(target.lower(), namespace, service, cluster, done), request_path, rate)
    experiment = experiment_of(described)
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


def _loaded(described: dict[str, Any], request_path: str | None, rate: float | None) -> dict[str, Any]:
    """The same with what is requested, and how often, as the options say."""
    changed = dict(described)
    if request_path is not None:
        changed["request"] = {**described.get("request", {}), "path": request_path}
    if rate is not None:
        load = described["load"]
        changed["load"] = {**load, "new": {"rate": rate}, "kept": {**load["kept"], "rate": max(1.0, rate / 2)}}
    return changed


def _described(
    target: str, namespace: str, service: str | None, cluster: str | None, done: Mapping[str, Any]
) -> dict[str, Any]:
    """What the file of an experiment on that application would hold; `done`: how it is watched, and its `path`."""
    import anyio

    from harness.clusters.choice import chosen
    from harness.model.cluster_settings import ClusterSettings
    from harness.model.providers import PROTECTED_CONTEXTS

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
                done=done,
                cluster={"context": context},
            )

    return anyio.run(asked)
