"""`rollout-harness run`: an experiment file -> run directories, results, reports and an exit code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.asked import Asked, experiment_folder
from harness.cli.asking import look_and_ask, tell_plan
from harness.cli.budget import within_budget
from harness.cli.described import StandIns, described_experiment
from harness.cli.ending import conclude, tell_paragraph
from harness.cli.kind_options import KeepCluster, NoImageLoad, with_kind_options
from harness.cli.loudness import Quiet, Verbose
from harness.cli.memory import check_memory
from harness.cli.namespace_option import Namespace, check_agrees, in_namespace
from harness.cli.options import Budgets, Cluster, Truth, WorkerImage
from harness.cli.paper import check_out, check_worker_image
from harness.cli.there import Options, application_there, experiment_of_options
from harness.cli.way_in import WayIn, way_in
from harness.errors import UsageError
from harness.exit_codes import ExitCode

if TYPE_CHECKING:
    from harness.model.cluster_settings import ClusterSettings
    from harness.model.experiment import Experiment
    from harness.runner.resuming import Left
    from harness.runner.scenario import Scenario


_JUDGED = (ExitCode.AS_EXPECTED, ExitCode.NOT_AS_EXPECTED)


def run(
    experiment: Annotated[
        Path | None,
        typer.Argument(
            help="The experiment's YAML file; `-` for manifests on standard input; leave it out to use --target."
        ),
    ] = None,
    cluster: Cluster = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the run. Default: reports/NAME-TIME.")] = None,
    worker_image: WorkerImage = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and stop.")] = False,
    apply_sizing: Annotated[
        bool,
        typer.Option(
            "--apply-sizing", help="Run the variants that dropped calls again, with the recommended settings."
        ),
    ] = False,
    target: Annotated[
        str | None, typer.Option(help="The workload to roll, such as deployment/shop. Not with an experiment file.")
    ] = None,
    service: Annotated[
        str | None, typer.Option(help="The Service to call: NAME or NAME:PORT. Not with an experiment file.")
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Roll by restarting the workload. Only without a file.")
    ] = False,
    image: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[CONTAINER=]IMAGE", help="Roll to this image, and back; repeatable. Only without a file."
        ),
    ] = None,
    rollouts: Annotated[
        int | None, typer.Option(min=1, max=1000, help="The number of rollouts. Without a file, or with - alone.")
    ] = None,
    path: WayIn = None,
    stand_in: Annotated[
        StandIns | None,
        typer.Option(
            help="Use a stand-in for images that the sandbox does not have; this is what it does on the stop signal."
        ),
    ] = None,
    latency: Annotated[str | None, typer.Option(help="How long a stand-in takes to answer, such as 50ms.")] = None,
    budget: Budgets = None,
    namespace: Namespace = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Continue an interrupted run with its remaining rollouts."),
    ] = None,
    no_image_load: NoImageLoad = False,
    keep_cluster: KeepCluster = False,
    truth: Truth = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run an experiment: deploy, send load, roll, record, judge, and clean up."""
    options = Options(
        target=target,
        namespace=namespace,
        service=service,
        restart=restart,
        image=image or (),
        rollouts=rollouts,
        way=way_in(path),
        worker_image=worker_image,
        budget=budget or (),
        out=out,
    )
    asked = Asked(
        experiment=experiment,
        cluster=cluster,
        stand_in=stand_in,
        latency=latency,
        budget=tuple(budget or ()),
        namespace=namespace,
        worker_image=worker_image,
    )
    if resume is not None:
        resume = experiment_folder(resume)
        asked = asked if target is not None else asked.over(resume)
        if out is not None or apply_sizing:
            option = "--out" if out is not None else "--apply-sizing"
            raise UsageError(f"resuming {resume}", f"{option} only goes with a new run", f"Leave {option} out.")
    with _experiment(asked.experiment, options, asked.cluster, asked.stand_in, asked.latency) as described:
        code = plan_and_run(
            in_namespace(within_budget(described, asked.budget), asked.namespace),
            namespace=asked.namespace,
            cluster=asked.cluster,
            out=out,
            worker_image=asked.worker_image,
            yes=yes,
            dry_run=dry_run,
            apply_sizing=apply_sizing,
            truth=truth,
            no_image_load=no_image_load,
            keep_cluster=keep_cluster,
            resume=resume,
            asked=asked.record,
        )
    if code is not None:
        conclude(code)


@contextmanager
def _experiment(
    file: Path | None, options: Options, cluster: str | None, stand_in: StandIns | None, latency: str | None
) -> Iterator[Experiment]:
    """The experiment that a file, standard input or options alone describe."""
    if file is None:
        if stand_in is not None:
            raise UsageError(
                "planning stand-ins",
                "a stand-in cannot replace an application that is already running",
                "Leave --stand-in out.",
            )
        if latency is not None:
            raise UsageError(
                f"reading --latency {latency}", "it is a stand-in's, and none is asked for", "Leave it out."
            )
        yield experiment_of_options(options, cluster)
        return
    options.refused_beside(str(file))
    said = options.way if options.rollouts is None else {**options.way, "rollouts": options.rollouts}
    with described_experiment(file, options.target, options.service, stand_in, latency, said) as described:
        yield described


def plan_and_run(
    experiment: Experiment,
    *,
    cluster: str | None,
    out: Path | None,
    worker_image: str | None,
    yes: bool,
    dry_run: bool,
    apply_sizing: bool,
    truth: Path | None,
    namespace: str | None = None,
    no_image_load: bool = False,
    keep_cluster: bool = False,
    resume: Path | None = None,
    asked: Mapping[str, Any] = MappingProxyType({}),
) -> int | None:
    """Plan it, and run it unless only the plan is asked for; gives the exit code, None where nothing ran.

    `namespace`: that of the experiment, where it is not its file that says it.
    """
    from harness.cli.plan import with_planned_rollouts
    from harness.clusters.choice import chosen
    from harness.runner.ports import check_rate
    from harness.runner.scenario import scenarios

    check_worker_image(worker_image)
    settings = chosen(cluster, experiment.cluster)
    settings = with_kind_options(settings, no_image_load=no_image_load, keep_cluster=keep_cluster)
    if experiment.is_there and apply_sizing:
        seen = f"{experiment.target} is already running, and its settings are up to its owner"
        raise UsageError("reading --apply-sizing", seen, "Give `manifests` to try the settings on.")
    there = application_there(experiment, settings)
    described = with_planned_rollouts(there.experiment)
    with there.planning():
        planned = scenarios(described, there=there.manifests)
    check_agrees(None if experiment.is_there else namespace, planned)
    if settings.sandbox is not None:
        from harness.runner.sandbox_limits import check_balancer, check_room, in_the_sandbox

        planned = tuple(map(in_the_sandbox, planned))
        check_balancer(planned, settings.sandbox)
        check_room(planned, settings.sandbox)
    elif any(image.stand_in for image in described.images.values()):
        raise UsageError(
            "planning stand-ins", "only the sandbox has stand-ins", "Leave --cluster out, or the stand-in."
        )
    check_rate(settings.provider, described.load)  # before anybody is asked, and of a dry run too
    left = None
    if resume is not None:
        from harness.runner.resuming import left_to_run

        left, out = left_to_run(resume, planned), resume
        planned = tuple(one.scenario for one in left)
    if dry_run:
        check_out(None if resume is not None else out)
        tell_plan(described, planned, settings, worker_image=worker_image)
        return None
    look_and_ask(described, planned, settings, worker_image=worker_image, yes=yes)
    folder = out or Path("reports") / f"{described.name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    code = execute(described, planned, settings, folder, worker_image=worker_image, truth=truth, asked=asked, left=left)
    if apply_sizing and code in _JUDGED:
        proved = _prove_sizing(described, settings, folder, worker_image)
        # What dropped calls as it is has dropped them, whatever its sized twin does.
        code = code if code == ExitCode.NOT_AS_EXPECTED else proved
    return code


def _prove_sizing(experiment: Experiment, settings: ClusterSettings, folder: Path, worker_image: str | None) -> int:
    """Run the variants that dropped calls again, sized; gives the exit code."""
    from harness.cli.plan import plan_text
    from harness.cli.sized import nothing_to_apply, proof
    from harness.judged_runs import judge_experiment_folder
    from harness.runner.scenario import scenarios

    results = judge_experiment_folder(folder).result.scenarios
    proving = proof(experiment, results)
    if proving is None:
        for line in nothing_to_apply(results).splitlines():
            tell_paragraph(line)
        return ExitCode.AS_EXPECTED
    planned = scenarios(proving.experiment, proving.applied)
    if settings.sandbox is not None:
        from harness.runner.sandbox_limits import in_the_sandbox

        planned = tuple(map(in_the_sandbox, planned))
    sized = plan_text(proving.experiment, planned, settings)
    typer.echo("")
    for line in [*proving.title.splitlines(), *sized.splitlines()]:
        tell_paragraph(line)
    return execute(proving.experiment, planned, settings, folder / "sized", worker_image=worker_image)


def execute(
    experiment: Experiment,
    planned: tuple[Scenario, ...],
    settings: ClusterSettings,
    folder: Path,
    *,
    worker_image: str | None = None,
    truth: Path | None = None,
    replace: bool = False,
    asked: Mapping[str, Any] = MappingProxyType({}),
    left: Sequence[Left] | None = None,
) -> int:
    """Run, judge and report; gives the exit code. `replace`: what is in the folder may go; `asked`: what is kept of the
    options; `left`: what is left of a run that is resumed."""
    from harness.cli.execution import Execution
    from harness.load import descriptors
    from harness.runner.machine import check_open_files
    from harness.runner.preflight import preflight
    from harness.runner.scenario import paper_plan
    from harness.store.output import output_folder

    warnings = preflight(planned, sandbox=settings.sandbox is not None)
    check_memory()
    check_open_files(descriptors(paper_plan(experiment)))
    with output_folder(folder, replace=replace, goes_on=left is not None) as output:
        for words in warnings if settings.context is None else ():  # else they were told before it was asked
            tell_paragraph(f"mind: {words}", error=True)
        if truth is not None:
            truth.mkdir(parents=True, exist_ok=True)
        return Execution(experiment, planned, settings, output, worker_image, truth, asked=asked, left=left).code()
