"""Planned scenarios and a folder for their records -> a run that can be interrupted, judged, and its exit code."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rich.console import Console

from harness.cli.ending import tell, tell_error
from harness.cli.live import awaited, shown
from harness.cli.memory import check_memory
from harness.cli.signals import Stopped, first_and_second, stopped_by_signals, write_unbuffered
from harness.errors import HarnessError, NothingRolled, OutputError, SetupError
from harness.exit_codes import ExitCode
from harness.model.progress import Decision, RolloutSummary

if TYPE_CHECKING:
    from anyio import CancelScope

    from harness.clusters.cluster import Cluster
    from harness.model.cluster_settings import ClusterSettings
    from harness.model.experiment import Experiment
    from harness.runner.resuming import Left
    from harness.runner.run import ScenarioRun
    from harness.runner.scenario import Scenario
    from harness.store.output import OutputFolder


def _go_on(_: tuple[RolloutSummary, ...]) -> Decision:
    return Decision.CONTINUE


class Execution:
    """One run from the command line: what has been run so far, and whether someone pressed Ctrl-C."""

    def __init__(
        self,
        experiment: Experiment,
        planned: tuple[Scenario, ...],
        settings: ClusterSettings,
        output: OutputFolder,
        worker_image: str | None,
        truth: Path | None,
        *,
        asked: Mapping[str, Any] = MappingProxyType({}),
        left: Sequence[Left] | None = None,
    ) -> None:
        self._experiment, self._planned, self._settings = experiment, planned, settings
        self._output, self._worker_image = output, worker_image
        self._asked, self._left = asked, left
        self._folder = output.path
        self._console = Console(stderr=True, highlight=False)
        self._truth = None if truth is None else truth / "truth.jsonl"
        self._runs: list[ScenarioRun] = []
        self._interrupted: signal.Signals | None = None
        self._error: HarnessError | None = None
        self._made: list[str] = []
        self._cluster: Cluster | None = None

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
            tell_error(HarnessError("judging the run", "interrupted; the record is complete", again))
            return ExitCode.INCONCLUSIVE
        finally:
            if not self._has_updated() and not self._has_records():
                self._output.take_back()

    def _has_records(self) -> bool:
        """Whether a request was recorded: what it came to is worth reading, though nothing was rolled."""
        for record in self._folder.glob("*/requests.csv"):
            with record.open("rb") as rows:
                if rows.readline() and rows.readline():
                    return True
        return False

    async def run(self) -> None:
        """Everything that needs a cluster, until it is done or interrupted."""
        import anyio

        from harness.cli.clean import tell_of_earlier_runs
        from harness.cli.plan import stop_at_first_loss
        from harness.clusters.choice import cluster
        from harness.runner.experiment import run_experiment
        from harness.runner.first_error import first_error, local_error

        error: HarnessError | None = None
        try:
            async with anyio.create_task_group() as tasks:
                stop = partial(self._stop, asyncio.get_running_loop(), tasks.cancel_scope)
                with first_and_second(stop, self._leave), shown(self._console) as live, ExitStack() as waiting:
                    waiting.enter_context(awaited("the cluster to be up"))
                    async with cluster(
                        self._settings,
                        self._experiment.images,
                        worker_image=self._worker_image,
                        truth=self._truth,
                        tell=self._tell,
                        making=self._made.append,
                    ) as ours:
                        waiting.close()
                        self._cluster = ours
                        await tell_of_earlier_runs(ours.kube, self._settings, self._experiment.namespace)
                        await run_experiment(
                            ours,
                            self._planned,
                            self._folder,
                            on_progress=live,
                            on_scenario=self._runs.append,
                            continue_after=stop_at_first_loss if self._experiment.confidence else _go_on,
                            looked=self._settings.context is not None,
                            asked=self._asked,
                            left=self._left,
                        )
                        await self._keep_logs(ours)
        except* HarnessError as group:
            error = first_error(group)
        except* OSError as refused:
            error = error or local_error(refused)
        if error is not None and not self._updates():
            raise error
        self._error = error

    async def _keep_logs(self, cluster: Cluster) -> None:
        """Those of the cluster's nodes, while they can still be had: of kind's, where something cannot be judged."""
        from harness.runner.cluster_logs import keep_logs

        if self._settings.kind is not None and self._has_records() and await self._is_doubtful():
            await keep_logs(cluster, self._folder, self._tell)

    async def _is_doubtful(self) -> bool:
        """Whether a run ended before its time, or is inconclusive."""
        import anyio.to_thread

        from harness.judged_runs import judge_scenario

        for run in self._runs:
            if run.error is not None:
                return True
            try:
                check_memory()
                _, judged = await anyio.to_thread.run_sync(judge_scenario, run.folder)
            except HarnessError:  # it is told where all of them are judged
                return True
            if judged.verdict == "inconclusive":
                return True
        return False

    def _tell(self, words: str) -> None:
        tell(words, error=True)

    def _stop(self, loop: asyncio.AbstractEventLoop, scope: CancelScope, received: signal.Signals) -> None:
        """Put the cluster back and end."""
        self._interrupted = received

        again = "Ctrl-C again" if received is signal.SIGINT else "once more"

        def in_turn() -> None:  # a signal comes in the middle of anything, such as a line that is being printed
            self._tell(f"{received.name}: cleaning up; {again} to skip")
            scope.cancel()

        loop.call_soon_threadsafe(in_turn)

    def _leave(self, received: signal.Signals) -> None:
        """End at once, and name what is left."""
        left = [*(self._cluster.standing() if self._cluster is not None else self._made), *self._to_restore()]
        code = ExitCode.INCONCLUSIVE if self._has_updated() else ExitCode.of_signal(received)
        words = f"{received.name}: clean-up skipped.{' To remove what is left:' if left else ''}"
        write_unbuffered([words, *(f"  {command}" for command in left)])
        os._exit(code)

    def _to_restore(self) -> list[str]:
        """The commands that put back what is not ours."""
        from harness.store.undo import is_pending

        pending = (folder for folder in self._folder.glob("*/") if is_pending(folder))
        return [f"rollout-harness restore {shlex.quote(str(folder))}" for folder in pending]

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
        for run in self._runs:
            if run.error is not None:
                tell_error(run.error)
                if run.taken_back:
                    tell(f"{run.scenario.name}: nothing was rolled; what had been deployed was taken back", error=True)
        code = ExitCode.USAGE if self._interrupted is None else ExitCode.of_signal(self._interrupted)
        watched_in_vain = any(isinstance(run.error, NothingRolled) for run in self._runs)
        return ExitCode.INCONCLUSIVE if watched_in_vain else code

    def conclude(self) -> int:
        """Judge and report what there is; gives the exit code."""
        from harness.cli.summary import print_verdict
        from harness.errors import RunFormatError
        from harness.judged_runs import judge_experiment_folder

        errors = [run.error for run in self._runs if run.error is not None] or list(filter(None, [self._error]))
        for error in errors:
            tell_error(error)
        try:  # it was checked before the run, and may have become less since
            check_memory(f"The record is complete. Judge it then: rollout-harness report {self._folder}")
        except SetupError as error:
            tell_error(error)
            return ExitCode.INCONCLUSIVE
        try:
            with awaited("the run to be judged and its reports to be written"):
                judged = judge_experiment_folder(self._folder)
        except (OutputError, RunFormatError) as error:  # the disk is full, or somebody removed the folder
            tell_error(error)
            return ExitCode.INCONCLUSIVE
        print_verdict(judged, Console(), records=[self._folder])
        code = judged.result.exit_code
        cut_short = self._interrupted is not None or bool(errors)
        return ExitCode.INCONCLUSIVE if cut_short and code == ExitCode.AS_EXPECTED else code
