"""`rollout-harness run`: an experiment file -> run directories, results, reports and an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from harness.cli.described import StandIns, described_experiment
from harness.cli.live import shown
from harness.errors import UsageError
from harness.model.progress import Decision, RolloutSummary
from harness.model.providers import choices

if TYPE_CHECKING:
    from harness.model.experiment import ClusterSettings, Experiment
    from harness.runner.run import ScenarioRun
    from harness.runner.scenario import Scenario


EXIT_USAGE, EXIT_INCONCLUSIVE, EXIT_INTERRUPTED = 2, 3, 130
_JUDGED = (0, 1)

Cluster = Annotated[str | None, typer.Option(help=f"{choices()}; else what the experiment says.")]
Truth = Annotated[
    Path | None,
    typer.Option(hidden=True, help="Folder for what the sandbox's kernel saw (truth.jsonl); no judge reads it."),
]
WorkerImage = Annotated[str | None, typer.Option(help="Image of the load worker's Pod, on clusters that are not ours.")]


def run(
    experiment: Annotated[Path, typer.Argument(help="The experiment's YAML file; `-`: manifests on standard input.")],
    cluster: Cluster = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; default: reports/NAME-TIME.")] = None,
    worker_image: WorkerImage = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")] = False,
    apply_sizing: Annotated[
        bool,
        typer.Option("--apply-sizing", help="Run what dropped calls again, with the settings that would have held."),
    ] = False,
    target: Annotated[str | None, typer.Option(help="With `-`: what is rolled, such as deployment/shop.")] = None,
    service: Annotated[str | None, typer.Option(help="With `-`: what is called, NAME or NAME:PORT.")] = None,
    stand_in: Annotated[
        StandIns | None,
        typer.Option(help="What stands in for images that the sandbox has not does with its work at the stop signal."),
    ] = None,
    latency: Annotated[str | None, typer.Option(help="How long each answer of a stand-in takes, such as 50ms.")] = None,
    truth: Truth = None,
) -> None:
    """Run an experiment: deploy, load, roll, record, judge, and put the cluster back."""
    with described_experiment(experiment, target, service, stand_in, latency) as described:
        code = _run(
            described,
            cluster=cluster,
            out=out,
            worker_image=worker_image,
            yes=yes,
            dry_run=dry_run,
            apply_sizing=apply_sizing,
            truth=truth,
        )
    sys.exit(code)


def _run(
    experiment: Experiment,
    *,
    cluster: str | None,
    out: Path | None,
    worker_image: str | None,
    yes: bool,
    dry_run: bool,
    apply_sizing: bool,
    truth: Path | None,
) -> int:
    """Plan it, and run it unless only the plan is asked for; gives the exit code."""
    from harness.cli.plan import plan_text, with_planned_rollouts
    from harness.clusters.choice import chosen
    from harness.runner.scenario import scenarios

    described = with_planned_rollouts(experiment)
    settings = chosen(cluster, described.cluster)
    planned = scenarios(described)
    if settings.sandbox is not None:
        from harness.runner.sandbox_limits import in_the_sandbox

        planned = tuple(map(in_the_sandbox, planned))
    elif any(image.stand_in for image in described.images.values()):
        raise UsageError("planning stand-ins", "only the sandbox has them", "Leave out --cluster, or the stand-in.")
    if dry_run:
        from harness.runner.preflight import preflight

        wrong = [f"mind: {words}" for words in preflight(planned)]
        typer.echo("\n".join([plan_text(described, planned, settings), *wrong]))
        return 0
    _confirm(settings, yes)
    folder = out or Path("reports") / f"{described.name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    code = execute(described, planned, settings, folder, worker_image=worker_image, truth=truth)
    if apply_sizing and code in _JUDGED:
        # What dropped calls as it is has dropped them, whatever its sized twin does.
        code = max(code, _prove_sizing(described, settings, folder, worker_image))
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
        typer.echo(nothing_to_apply(results))
        return 0
    planned = scenarios(proving.experiment, proving.applied)
    if settings.sandbox is not None:
        from harness.runner.sandbox_limits import in_the_sandbox

        planned = tuple(map(in_the_sandbox, planned))
    sized = plan_text(proving.experiment, planned, settings)
    typer.echo(f"\nAgain, with the settings that would have held:\n{sized}")
    return execute(proving.experiment, planned, settings, folder / "sized", worker_image=worker_image)


def _confirm(settings: ClusterSettings, yes: bool) -> None:
    """Ask before touching a cluster that is not ours alone."""
    if settings.context is None or yes:
        return
    question = f"Deploy into a new namespace of context {settings.context}, load it and roll it?"
    if not sys.stdin.isatty():
        raise UsageError(f"asking: {question}", "there is no terminal to ask", "Give --yes.")
    if not typer.confirm(question):
        raise UsageError("asking before touching the cluster", "the answer was no; nothing was changed")


def execute(
    experiment: Experiment,
    planned: tuple[Scenario, ...],
    settings: ClusterSettings,
    folder: Path,
    *,
    worker_image: str | None = None,
    truth: Path | None = None,
) -> int:
    """Run, judge and report; gives the exit code (docs/verdict.md)."""
    import anyio

    from harness.runner.preflight import preflight

    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"writing to {folder}", "it is there and not empty", "Give another --out.")
    console = Console(stderr=True, highlight=False)
    for words in preflight(planned):
        console.print(f"mind: {words}", markup=False, soft_wrap=True)
    if truth is not None:
        truth.mkdir(parents=True, exist_ok=True)
    execution = _Execution(experiment, planned, settings, folder, worker_image, truth, console)
    anyio.run(execution.run)
    return execution.conclude()


def _go_on(_: tuple[RolloutSummary, ...]) -> Decision:
    return Decision.CONTINUE


class _Execution:
    """One run from the command line: what has been run so far, and whether someone pressed Ctrl-C."""

    def __init__(
        self,
        experiment: Experiment,
        planned: tuple[Scenario, ...],
        settings: ClusterSettings,
        folder: Path,
        worker_image: str | None,
        truth: Path | None,
        console: Console,
    ) -> None:
        self._experiment, self._planned, self._settings = experiment, planned, settings
        self._folder, self._worker_image, self._console = folder, worker_image, console
        self._truth = None if truth is None else truth / "truth.jsonl"
        self._runs: list[ScenarioRun] = []
        self._interrupted = False

    async def run(self) -> None:
        """Everything that needs a cluster, until it is done or interrupted."""
        import anyio

        from harness.cli.plan import stop_at_first_loss
        from harness.clusters.choice import cluster
        from harness.errors import HarnessError
        from harness.runner.experiment import run_experiment
        from harness.runner.run import first_error

        error: HarnessError | None = None
        try:
            async with anyio.create_task_group() as tasks:
                with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                    tasks.start_soon(self._cancel_on_signal, signals, tasks.cancel_scope)
                    with shown(self._console) as live:
                        async with cluster(
                            self._settings,
                            self._experiment.images,
                            worker_image=self._worker_image,
                            truth=self._truth,
                        ) as ours:
                            await run_experiment(
                                ours,
                                self._planned,
                                self._folder,
                                on_progress=live,
                                on_scenario=self._runs.append,
                                continue_after=stop_at_first_loss if self._experiment.confidence else _go_on,
                            )
                    tasks.cancel_scope.cancel()
        except* HarnessError as group:
            error = first_error(group)
        if error is not None and not self._updates():
            raise error

    async def _cancel_on_signal(self, signals: AsyncIterator[signal.Signals], scope: object) -> None:
        import anyio

        assert isinstance(scope, anyio.CancelScope)
        async for received in signals:
            if self._interrupted:
                self._console.print("Left as it is: the namespace of this run must be deleted by hand.")
                signal.signal(received, signal.SIG_DFL)
                signal.raise_signal(received)
            self._interrupted = True
            self._console.print(f"{received.name}: putting the cluster back. Once more to leave it as it is.")
            scope.cancel()

    def _updates(self) -> int:
        return sum(run.updates for run in self._runs)

    def conclude(self) -> int:
        """Judge and report what there is; gives the exit code."""
        from harness.cli.summary import print_verdict
        from harness.judged_runs import judge_experiment_folder

        errors = [run.error for run in self._runs if run.error is not None]
        for error in errors:
            typer.echo(f"error: {error}", err=True)
        if not self._recorded_update():
            return EXIT_INTERRUPTED if self._interrupted else EXIT_USAGE
        judged = judge_experiment_folder(self._folder)
        print_verdict(judged, Console(), records=[self._folder])
        code = judged.result.exit_code
        return max(code, EXIT_INCONCLUSIVE) if (self._interrupted or errors) and code == 0 else code

    def _recorded_update(self) -> bool:
        """Whether any run on disk has seen an update; an interrupted one is not among `_runs`."""
        from harness.store.reader import is_run, read_info, scenario_folders

        return is_run(self._folder) and any(read_info(folder, []).rollouts for folder in scenario_folders(self._folder))
