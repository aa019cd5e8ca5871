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
from harness.cli.ending import conclude, tell, tell_error
from harness.cli.live import shown
from harness.cli.memory import check_memory
from harness.cli.signals import Stopped, stopped_by_signals
from harness.errors import HarnessError, OutputError, UsageError
from harness.exit_codes import ExitCode
from harness.inputs.shown import printable
from harness.model.progress import Decision, RolloutSummary
from harness.model.providers import choices

if TYPE_CHECKING:
    from harness.model.experiment import ClusterSettings, Experiment
    from harness.runner.run import ScenarioRun
    from harness.runner.scenario import Scenario
    from harness.store.output import OutputFolder


_JUDGED = (ExitCode.AS_EXPECTED, ExitCode.NOT_AS_EXPECTED)

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
    if code is not None:
        conclude(code)


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
) -> int | None:
    """Plan it, and run it unless only the plan is asked for; gives the exit code, None where nothing ran."""
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
        for line in [*plan_text(described, planned, settings).splitlines(), *wrong]:
            tell(line)
        return None
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
    if not typer.confirm(printable(question)):
        raise UsageError("asking before touching the cluster", "the answer was no; nothing was changed")


def execute(
    experiment: Experiment,
    planned: tuple[Scenario, ...],
    settings: ClusterSettings,
    folder: Path,
    *,
    worker_image: str | None = None,
    truth: Path | None = None,
    replace: bool = False,
) -> int:
    """Run, judge and report; gives the exit code. `replace`: what is in the folder may go."""
    from harness.load import descriptors
    from harness.runner.machine import check_open_files
    from harness.runner.preflight import preflight
    from harness.runner.scenario import paper_plan
    from harness.store.output import output_folder

    warnings = preflight(planned)
    check_memory()
    check_open_files(descriptors(paper_plan(experiment)))
    with output_folder(folder, replace=replace) as output:
        for words in warnings:
            tell(f"mind: {words}", error=True)
        if truth is not None:
            truth.mkdir(parents=True, exist_ok=True)
        return _Execution(experiment, planned, settings, output, worker_image, truth).code()


def _go_on(_: tuple[RolloutSummary, ...]) -> Decision:
    return Decision.CONTINUE


class _Execution:
    """One run from the command line: what has been run so far, and whether someone pressed Ctrl-C."""

    def __init__(
        self,
        experiment: Experiment,
        planned: tuple[Scenario, ...],
        settings: ClusterSettings,
        output: OutputFolder,
        worker_image: str | None,
        truth: Path | None,
    ) -> None:
        self._experiment, self._planned, self._settings = experiment, planned, settings
        self._output, self._worker_image = output, worker_image
        self._folder = output.path
        self._console = Console(stderr=True, highlight=False)
        self._truth = None if truth is None else truth / "truth.jsonl"
        self._runs: list[ScenarioRun] = []
        self._interrupted: signal.Signals | None = None

    def code(self) -> int:
        """Run it and judge it; gives the exit code. What measured nothing leaves nothing in its folder."""
        import anyio

        try:
            anyio.run(self.run)
            with stopped_by_signals():
                return self.conclude() if self._has_updated() else self._code_without_update()
        except (KeyboardInterrupt, Stopped):
            if not self._has_updated():
                raise
            again = f"Judge it: rollout-harness report {self._folder}"
            tell_error(HarnessError("judging the run", "interrupted; its record is whole", again))
            return ExitCode.INCONCLUSIVE
        finally:
            if not self._has_updated() and not self._has_records():
                self._output.take_back()

    def _has_records(self) -> bool:
        """Whether a request was recorded: what it came to is worth reading, though nothing was rolled."""
        records = self._folder.glob("*/requests.csv")
        return any(b"\n" in record.read_bytes().partition(b"\n")[2] for record in records)

    async def run(self) -> None:
        """Everything that needs a cluster, until it is done or interrupted."""
        import anyio

        from harness.cli.plan import stop_at_first_loss
        from harness.clusters.choice import cluster
        from harness.runner.experiment import run_experiment
        from harness.runner.run import first_error, local_error

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
        except* OSError as refused:
            error = error or local_error(refused)
        if error is not None and not self._updates():
            raise error

    async def _cancel_on_signal(self, signals: AsyncIterator[signal.Signals], scope: object) -> None:
        import anyio

        assert isinstance(scope, anyio.CancelScope)
        async for received in signals:
            if self._interrupted is not None:
                self._console.print("Left as it is: the namespace of this run must be deleted by hand.")
                signal.signal(received, signal.SIG_DFL)
                signal.raise_signal(received)
            self._interrupted = received
            self._console.print(f"{received.name}: putting the cluster back. Once more to leave it as it is.")
            scope.cancel()

    def _updates(self) -> int:
        return sum(run.updates for run in self._runs)

    def _has_updated(self) -> bool:
        """Whether any rollout was begun; an interrupted scenario is not among `_runs`, but on disk."""
        from harness.store.reader import is_run, read_info, scenario_folders

        if self._updates():
            return True
        try:
            scenarios = scenario_folders(self._folder) if is_run(self._folder) else ()
            return any(read_info(folder, []).rollouts for folder in scenarios)
        except HarnessError:  # somebody else's hand: what is there must not go
            return True

    def _code_without_update(self) -> int:
        for error in self._errors():
            tell_error(error)
        return ExitCode.USAGE if self._interrupted is None else ExitCode.of_signal(self._interrupted)

    def _errors(self) -> list[HarnessError]:
        return [run.error for run in self._runs if run.error is not None]

    def conclude(self) -> int:
        """Judge and report what there is; gives the exit code."""
        from harness.cli.summary import print_verdict
        from harness.errors import RunFormatError
        from harness.judged_runs import judge_experiment_folder

        errors = self._errors()
        for error in errors:
            tell_error(error)
        try:
            judged = judge_experiment_folder(self._folder)
        except (OutputError, RunFormatError) as error:  # the disk is full, or somebody removed the folder
            tell_error(error)
            return ExitCode.INCONCLUSIVE
        print_verdict(judged, Console(), records=[self._folder])
        code = judged.result.exit_code
        cut_short = self._interrupted is not None or bool(errors)
        return ExitCode.INCONCLUSIVE if cut_short and code == ExitCode.AS_EXPECTED else code
