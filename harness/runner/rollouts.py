"""A deployed application under load -> rollouts one after the other, each with its marks and its quiet time."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from harness.disruptions.completion import Hear
from harness.disruptions.disruption import Step
from harness.disruptions.rolling_update import returned, rolled_back, until_settled
from harness.disruptions.stage import Stage, present
from harness.disruptions.workload import Workload
from harness.errors import ClusterError, RolloutError
from harness.kube.client import Kube
from harness.kube.view import View
from harness.model.deploy_command import deploy_command
from harness.model.disruption_table import row
from harness.model.observation import MarkType
from harness.model.progress import Decision, Phase, RolloutSummary
from harness.model.run import CommandRun, RolloutMarks
from harness.model.undo import Cordon
from harness.runner.abort import Exceeded
from harness.runner.changes import Changes
from harness.runner.load_session import LoadSession
from harness.runner.pod_logs import logs_in
from harness.runner.quiet import CAP_S
from harness.runner.scenario import Scenario
from harness.spec.template import same_template
from harness.store.undo import write_cordon
from harness.store.writer import RunWriter

ContinueAfter = Callable[[tuple[RolloutSummary, ...]], Decision]


@dataclass(slots=True, kw_only=True)
class Rollouts:
    """The rollouts of one scenario; `mark` writes into the timeline and gives the moment."""

    kube: Kube
    workload: Workload
    scenario: Scenario
    view: View
    load: LoadSession
    writer: RunWriter
    mark: Callable[[MarkType, dict[str, Any]], float]
    phase: Callable[[Phase, int | None], None]
    hear: Hear
    quiet_s: float
    said: Callable[[int, str], None]  # takes a line of the deploy command of a rollout
    original: dict[str, Any]  # the workload before the first of them
    changes: Changes | None = None  # of a workload that is not ours
    under_way: tuple[Step, Stage] | None = None  # what changes something other than the pod template, and is not done

    async def run(self, continue_after: ContinueAfter) -> None:
        """All planned rollouts, or as many as `continue_after` wants.

        Raises:
            RolloutError: one did not complete in time; it has been undone.
            ClusterError: the API refused the update.
            LoadError: the load worker is gone; no update is made without it.
        """
        summaries: tuple[RolloutSummary, ...] = ()
        for rollout in range(self.scenario.rollouts):
            await self.load.until_sending()
            requests, outcomes = self.load.requests, Counter(self.load.outcomes)
            await self._one(rollout, self.scenario.disruption.step(rollout))
            self.phase(Phase.QUIET, rollout)
            await self.load.until_quiet(self.quiet_s, cap_s=CAP_S)
            failed = self.load.outcomes - outcomes
            summary = RolloutSummary(
                rollout=rollout,
                requests=self.load.requests - requests,
                failed={outcome: count for outcome, count in failed.items() if outcome not in ("ok", "unsent")},
            )
            summaries = (*summaries, summary)
            if continue_after(summaries) is Decision.STOP:
                await self._back(rollout + 1)
                break
        await self.load.until_sending()

    async def _back(self, rollout: int) -> None:
        """One more rollout, to what was there before, where the planned ones end too early to have come back to it."""
        if self.changes is None or await self.changes.is_rolled_back():
            return
        await self._one(rollout, Step(details={"patch": self.changes.back}, do=returned))
        self.phase(Phase.QUIET, rollout)
        await self.load.until_quiet(self.quiet_s, cap_s=CAP_S)

    async def _one(self, rollout: int, step: Step) -> None:
        stage = self._stage(rollout)
        if self.changes is not None:
            await self.changes.check()
        self.phase(Phase.ROLLING, rollout)
        name = self._name
        began = {"rollout": rollout, "disruption": name, **step.details}
        # The mark comes before the call: nothing that the update causes may lie before its rollout's window.
        marks = RolloutMarks(rollout=rollout, update=self.mark(MarkType.UPDATE, began))
        self._keep(marks)
        self.under_way = None if self._rolls else (step, stage)
        try:
            generation = await step.do(stage)
        except RolloutError as stuck:
            try:
                await self._undo(rollout, step, stage)
            except (ClusterError, RolloutError) as left:  # what went wrong first must be said first
                stuck.add_note(f"Taking it back failed too: {left}")
            raise
        self.under_way = None
        details = {"rollout": rollout, "generation": generation}
        marks = replace(marks, complete=self.mark(MarkType.COMPLETE, details))
        self._keep(marks)
        self.phase(Phase.SETTLING, rollout)
        await until_settled(self.view, self.workload, deadline_s=stage.deadline_s)
        self._keep(replace(marks, settled=self.mark(MarkType.SETTLED, details)))

    async def abort(self, found: Exceeded) -> str:
        """Take back what they did, as far as it is to be; says what became of the application.

        Raises:
            ClusterError, RolloutError: it cannot be taken back, or its pods do not come up again.
        """
        self.mark(MarkType.ABORT, asdict(found))
        begun = self.writer.info.rollouts
        if self.scenario.experiment.abort == "leave":
            if self.changes is not None:
                self.changes.leave()
            return f"{self.workload} stays as it is, as `abort: leave` has it."
        if begun and self.under_way is not None:  # such as a number of replicas
            await self._undo(begun[-1].rollout, *self.under_way)
        now = present(self.view, self.workload)
        if same_template(self.original["spec"]["template"], now["spec"]["template"]):
            return f"{self.workload} has the pod template of before the run."
        rollout = begun[-1].rollout
        self.phase(Phase.UNDOING, rollout)
        self.mark(MarkType.UNDO, {"rollout": rollout})
        await rolled_back(replace(self._stage(rollout), before=self.original))
        return f"{self.workload} has the pod template of before the run again."

    async def _undo(self, rollout: int, step: Step, stage: Stage) -> None:
        if step.undo is None or (self._rolls and not _is_changed(stage)):
            return
        self.phase(Phase.UNDOING, rollout)
        self.mark(MarkType.UNDO, {"rollout": rollout})
        await step.undo(stage.again())

    @property
    def _name(self) -> str:
        return self.scenario.experiment.asked[0]

    @property
    def _rolls(self) -> bool:
        return row(self._name).rolls

    def _stage(self, rollout: int) -> Stage:
        def told(done: dict[str, Any]) -> float:
            return self.mark(MarkType.DISRUPTION, {"rollout": rollout, "disruption": self._name, **done})

        def ended(status: int | None, seconds: float) -> None:
            told({"exit_code": status})
            command = shlex.join(deploy_command(self.scenario.experiment.asked[1]).run)
            run = CommandRun(rollout=rollout, command=command, exit_code=status, seconds=round(seconds, 3))
            self.writer.update(commands=(*self.writer.info.commands, run))

        return Stage(
            kube=self.kube,
            workload=self.workload,
            view=self.view,
            before=present(self.view, self.workload),
            deadline_s=self.scenario.experiment.rollout_timeout_s,
            mark=told,
            hear=self.hear,
            logs=logs_in(self.kube, self.workload.namespace),
            command_said=partial(self.said, rollout),
            command_ended=ended,
            changes=self.changes,
            cordoning=self._cordoning,
        )

    def _cordoning(self, node: str, uid: str, done: bool) -> None:
        cordon = Cordon(cluster=self.writer.info.cluster.kind, node=node, uid=uid, done=done)
        write_cordon(self.writer.folder, cordon)

    def _keep(self, marks: RolloutMarks) -> None:
        others = tuple(known for known in self.writer.info.rollouts if known.rollout != marks.rollout)
        self.writer.update(rollouts=(*others, marks))


def _is_changed(stage: Stage) -> bool:
    """Whether the pod template is another than before: a deploy command may have failed, or taken it back itself."""
    now = present(stage.view, stage.workload)
    return not same_template(stage.before["spec"]["template"], now["spec"]["template"])
