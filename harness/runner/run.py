"""One scenario on one cluster -> one run directory: deploy, load, control window, rollouts, drain, clean up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import anyio.abc

from harness.clusters.cluster import Cluster
from harness.disruptions.stage import present
from harness.disruptions.workload import Workload
from harness.errors import HarnessError, OutputError
from harness.kube.errors import LeftBehind
from harness.kube.lease import Lease
from harness.kube.ownership import Ownership, new_ownership
from harness.kube.view import View
from harness.model.observation import MarkType
from harness.model.progress import Phase, Progress
from harness.observers.cluster import application_objects, observe
from harness.observers.heartbeat import watch_oneself
from harness.runner.abort import aborting
from harness.runner.changes import Changes
from harness.runner.churn import churning
from harness.runner.deployment import namespace_for_run
from harness.runner.destination import destination
from harness.runner.facts import run_info
from harness.runner.first_error import first_error, local_error
from harness.runner.first_start import FirstStart
from harness.runner.load_session import LoadSession
from harness.runner.load_workers import load_workers, planned, plans
from harness.runner.namespaces import as_in
from harness.runner.planned_time import (
    BEGIN_TIMEOUT_S,
    CALM_S,
    LOAD_LEAD_S,
    longest_drain_s,
    longest_run_s,
    propagation_s,
    warm_up_limit_s,
)
from harness.runner.read_back import read_back
from harness.runner.rollouts import ContinueAfter, Rollouts
from harness.runner.scenario import Scenario
from harness.runner.telling import Telling
from harness.runner.timeline import Timeline
from harness.runner.under_test import under_test
from harness.runner.watching import Watched
from harness.spec.workload import pod_selector
from harness.store.writer import RunWriter

_DRAIN_SLACK_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioRun:
    """What became of a scenario. `updates`: rollouts that were triggered.

    `error`: why it ended before its time; of one that did not, what its clean-up left on the cluster. `taken_back`: it
    had been deployed, whole or in part, and nothing of that is left.
    """

    folder: Path
    scenario: Scenario
    updates: int
    error: HarnessError | None = None
    taken_back: bool = False


class ScenarioRunner:
    """Runs one scenario. The one place that knows in which order things happen."""

    def __init__(
        self,
        cluster: Cluster,
        scenario: Scenario,
        folder: Path,
        *,
        place: tuple[int, int],
        on_progress: Callable[[Progress], None],
        continue_after: ContinueAfter,
        keep: bool = False,
        warned: Iterable[str] = (),
        lease: Lease | None = None,
        goes_on_from: str | None = None,
        begun: Callable[[], None] = lambda: None,
    ) -> None:
        self._cluster, self._scenario, self._folder = cluster, scenario, folder
        self._place, self._continue_after = place, continue_after
        self._telling = Telling(scenario, place, on_progress, warned)
        self._keep, self._lease = keep, lease
        self._goes_on_from, self._begun = goes_on_from, begun
        self._t0_ns = time.monotonic_ns()
        self._t0_wall_ns = time.time_ns()
        self._view = View()
        self._ownership = Ownership(run="")
        self._left: HarnessError | None = None
        self._has_deployed = False

    async def run(self) -> ScenarioRun:
        """The scenario from start to end; what goes wrong is written down, cleaned up after, and given back.

        A cancellation (Ctrl-C) is written down and cleaned up after too, and goes on to the caller.
        """
        info = run_info(self._cluster, self._scenario, t0_wall_s=self._t0_wall_ns / 1e9)
        with RunWriter(self._folder, replace(info, goes_on_from=self._goes_on_from)) as writer:
            self._begun()
            try:
                error = await self._to_the_end(
                    Timeline(writer=writer, t0_ns=self._t0_ns, kind=self._scenario.application.kind)
                )
            except anyio.get_cancelled_exc_class():
                with suppress(OutputError):
                    writer.update(stopped="interrupted")
                raise
            try:
                writer.update(finished=error is None, stopped=None if error is None else error.seen or error.tried)
            except OutputError as refused:  # run.json stays as it was: not finished
                error = error or refused
            updates = len(writer.info.rollouts)
        kube = self._cluster.kube
        return ScenarioRun(
            folder=self._folder,
            scenario=self._scenario,
            updates=updates,
            error=error or self._left,
            taken_back=self._has_deployed and not kube.standing.commands(kube.kubectl),
        )

    async def _to_the_end(self, timeline: Timeline) -> HarnessError | None:
        """The error that ended it, if one did: task groups give theirs in groups."""
        error: HarnessError | None = None
        try:
            await self._in_namespace(timeline)
        except* LeftBehind as group:  # the measurement is whole: its verdict stands
            self._left = first_error(group)
        except* HarnessError as group:
            error = first_error(group)
        except* OSError as refused:
            error = error or local_error(refused)
        return error

    async def _in_namespace(self, timeline: Timeline) -> None:
        kube, experiment, writer = self._cluster.kube, self._scenario.experiment, timeline.writer
        self._telling.enter(Phase.DEPLOYING)
        kube.clean_up.renew()
        wanted = f"{experiment.name}-{self._scenario.name}"
        self._ownership = new_ownership(longest_run_s(experiment, self._scenario.rollouts, writer.info.quiet_s or 0.0))
        async with namespace_for_run(
            kube,
            experiment.namespace,
            wanted,
            self._ownership,
            like=self._scenario.application.home,
            there=experiment.is_there,
            keep=self._keep,
        ) as namespace:
            application, self._has_deployed = self._scenario.application, not experiment.is_there
            writer.update(manifests=await as_in(kube, application, namespace))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._telling.keep_on)
                tasks.start_soon(watch_oneself, timeline.now, timeline.stood_still)
                tasks.start_soon(self._watch_over_cluster)
                if self._lease is not None:
                    tasks.start_soon(self._lease.keep)
                watched = application_objects(
                    kind=application.kind,
                    name=application.name,
                    selector=application.selector,
                    service=application.service_name,
                )
                await observe(tasks, kube, namespace, watched, view=self._view, record=timeline.record)
                async with under_test(
                    self._cluster,
                    self._scenario,
                    namespace,
                    self._ownership,
                    folder=self._folder,
                    warn=self._telling.warned.append,
                    keep=self._keep,
                ) as (workload, changes):
                    await self._loaded(timeline, namespace, int(workload["metadata"]["generation"]), changes)
                    self._telling.enter(Phase.CLEANING_UP)
                tasks.cancel_scope.cancel()

    async def _loaded(self, timeline: Timeline, namespace: str, generation: int, changes: Changes | None) -> None:
        application, experiment, cluster = self._scenario.application, self._scenario.experiment, self._cluster
        writer = timeline.writer
        workload = Workload(kind=application.kind, name=application.name, namespace=namespace)
        first_start = FirstStart(cluster.kube, workload, self._scenario, self._view)
        await first_start.until_up(generation, self._telling.hear)
        otherwise = read_back(application, self._view, workload)
        self._telling.warned += otherwise
        writer.update(provisos=(*self._scenario.provisos, *otherwise))
        secure = experiment.request.tls is not None
        to = await destination(cluster, experiment.way_in, namespace, application, secure=secure)
        writer.update(hops=to.hops)
        self._telling.enter(Phase.WARMING_UP)
        await anyio.sleep(propagation_s(cluster.facts.proxy.min_sync_period_s))
        plan = planned(cluster.client, self._scenario, to, self._place, timeline)
        parts = plans(plan, experiment.load.workers)
        async with (
            load_workers(
                cluster, namespace, parts, self._ownership.labels, away_from=pod_selector(application.target)
            ) as workers,
            anyio.create_task_group() as tasks,
        ):
            load = self._telling.load = LoadSession(
                workers, writer, timeline.now, own_clock=plan.own_clock, warn=self._telling.warned.append
            )
            # Shielded: what is in flight when someone presses Ctrl-C is still recorded. It ends when the worker does.
            following = anyio.CancelScope(shield=True)
            tasks.start_soon(self._follow, load, following)
            try:
                if parts[0].hold_s:
                    await load.begin(LOAD_LEAD_S, deadline_s=BEGIN_TIMEOUT_S)
                async with first_start.explained():
                    limit_s = warm_up_limit_s(experiment)
                    await load.until_warm(CALM_S, deadline_s=limit_s, sent_to=first_start.sent_to)
                rollouts = self._rollouts(timeline, load, workload, changes)
                async with aborting(experiment.abort_if, load, rollouts.abort):
                    await self._control_window(timeline, load)
                    async with churning(cluster.kube, namespace, experiment.churn_s, self._ownership):
                        await rollouts.run(self._continue_after)
            finally:
                await self._drain(timeline, load, following)

    async def _follow(self, load: LoadSession, scope: anyio.CancelScope) -> None:
        with scope:
            await load.follow()

    def _rollouts(
        self, timeline: Timeline, load: LoadSession, workload: Workload, changes: Changes | None
    ) -> Rollouts | Watched:
        writer = timeline.writer
        name, setting = self._scenario.experiment.asked
        if name == "watch":
            return Watched(
                workload=workload,
                settings=setting,
                view=self._view,
                versions=timeline.versions,
                load=load,
                writer=writer,
                mark_at=timeline.mark_at,
                phase=self._telling.enter,
                hear=self._telling.hear,
                quiet_s=writer.info.quiet_s or 0.0,
                finish_s=self._scenario.experiment.rollout_timeout_s,
                original=present(self._view, workload),
            )
        return Rollouts(
            kube=self._cluster.kube,
            workload=workload,
            scenario=self._scenario,
            view=self._view,
            load=load,
            writer=writer,
            mark=timeline.mark,
            phase=self._telling.enter,
            hear=self._telling.hear,
            quiet_s=writer.info.quiet_s or 0.0,
            said=lambda rollout, line: writer.command_line(rollout, timeline.now(), line),
            original=present(self._view, workload),
            changes=changes,
        )

    async def _control_window(self, timeline: Timeline, load: LoadSession) -> None:
        self._telling.enter(Phase.CONTROL)
        start = timeline.mark(MarkType.CONTROL_START, {})
        await anyio.sleep(self._scenario.experiment.control_s)
        end = timeline.mark(MarkType.CONTROL_END, {})
        load.measure_background(start, end)
        timeline.writer.update(control=(start, end))

    async def _drain(self, timeline: Timeline, load: LoadSession, following: anyio.CancelScope) -> None:
        self._telling.enter(Phase.DRAINING)
        try:
            with anyio.CancelScope(shield=True):
                await load.stop(drain_s=longest_drain_s(self._scenario.experiment) + _DRAIN_SLACK_S)
        finally:  # a worker that may not be stopped must not keep the run waiting for its last line
            following.cancel()
            timeline.mark(MarkType.END, {})
            timeline.over = True
            timeline.writer.update(clocks=() if self._cluster.client.same_machine else load.clocks())

    async def _watch_over_cluster(self) -> None:
        raise await self._cluster.died()
