"""A deploy command and a stage -> the rollout that it makes: begun, complete, and the command ended.

The command knows nothing of the harness, and may wait for its rollout or only tell others to make one. So the rollout
begins when the workload's own pod template changes, whatever the command says.
"""

from __future__ import annotations

import math
import re
import shlex
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import anyio

from harness.disruptions.changed import Object, generation, is_rolled, template
from harness.disruptions.processes import run_command
from harness.disruptions.stage import Stage, present
from harness.errors import ClusterError, HarnessError, RolloutError
from harness.inputs.shown import cut
from harness.kube.access import environment_for
from harness.kube.client import Kube
from harness.model.deploy_command import DeployCommand
from harness.model.duration import duration
from harness.spec.template import same_template

_LAST_LINES = 12
_SHOWN = 120
_LOOK_S = 1.0
_QUESTION = re.compile(r"(?:\?|\[[yY]/[nN]\]|\(y(?:es)?/n(?:o)?\)|password.*:|:)\s*$", re.IGNORECASE)
_KINDS = ("Deployment", "StatefulSet", "DaemonSet")


def filled(command: DeployCommand, stage: Stage, rollout: int) -> tuple[str, ...]:
    """The words of the command for one rollout, from 0."""
    values = {
        "{namespace}": stage.workload.namespace,
        "{target}": str(stage.workload),
        "{rollout}": str(rollout + 1),
    }
    words = command.run
    for place, value in values.items():
        words = tuple(word.replace(place, value) for word in words)
    return words


async def deployed(stage: Stage, command: DeployCommand, rollout: int) -> int:
    """Run the command, and wait until what it rolls is complete and the command has ended; gives the generation.

    Raises:
        RolloutError: it failed, was not over in time, rolled something else, or its rollout does not complete. Then no
            process of it is left.
    """
    deploy = _Deploy(stage=stage, command=command, words=filled(command, stage, rollout))
    others = await _templates(stage.kube, stage.workload.namespace)
    found = 0
    with environment_for(stage.kube.access, stage.workload.namespace) as environment:
        # Errors do not leave the task group, which would put them into a group of errors.
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(deploy.run, environment, tasks.cancel_scope)
            try:
                found = await deploy.rolled(others)
            except RolloutError as stuck:
                deploy.error = deploy.error or stuck
            tasks.cancel_scope.cancel()
    if deploy.error is not None:
        raise deploy.error
    return found


@dataclass(slots=True, kw_only=True)
class _Deploy:
    """One run of the command. `error`: why it came to nothing; `over`: when the command ended by itself."""

    stage: Stage
    command: DeployCommand
    words: tuple[str, ...]
    error: HarnessError | None = None
    over: float = math.inf
    last: deque[str] = field(default_factory=partial(deque, maxlen=_LAST_LINES))
    ended: anyio.Event = field(default_factory=anyio.Event)

    async def run(self, environment: Mapping[str, str], scope: anyio.CancelScope) -> None:
        """Run it to its end, which ends the wait for its rollout where it failed."""
        began = anyio.current_time()
        try:
            status = await run_command(
                self.words,
                folder=self.command.folder,
                environment=environment,
                timeout_s=self.command.timeout_s,
                hear=self._hear,
            )
        except HarnessError as unstarted:
            self.error = self._error(f"could not be started: {unstarted.seen}", unstarted.do)
            scope.cancel()
            return
        took_s = anyio.current_time() - began
        self.stage.command_ended(status, took_s)
        if status != 0:
            self.error = self._failed(status, took_s)
            scope.cancel()
            return
        self.over = anyio.current_time()
        self.ended.set()

    def _hear(self, line: str) -> None:
        self.last.append(line)
        self.stage.command_said(line)

    def _failed(self, status: int | None, took_s: float) -> RolloutError:
        said = next((line for line in reversed(self.last) if line.strip()), "")
        if status is None:
            seen = f"had not ended after {duration(self.command.timeout_s)}, and was killed with its children"
            do = "Raise `timeout` of the command where it takes longer."
        else:
            seen = f"ended with exit code {status}" if status > 0 else f"was ended by signal {-status}"
            seen += f" after {took_s:.1f} s"
            do = "Its output is in the run."
        if said:
            seen += f" (it last said: {cut(said.strip(), _SHOWN)})"
        if _QUESTION.search(said):
            do = (
                "It seems to ask something: it has no terminal, and nothing on standard input. Give it the option that "
                "answers, such as --yes."
            )
        error = self._error(seen, do)
        error.details = tuple(self.last)
        return error

    def _error(self, seen: str, do: str) -> RolloutError:
        """What was seen of the command, with its name: a report has that sentence alone."""
        name = cut(shlex.join(self.words), _SHOWN)
        return RolloutError(f"rolling {self.stage.workload}", f"the deploy command `{name}` {seen}", do)

    async def rolled(self, others: Mapping[str, Object]) -> int:
        """Wait until what it rolls is complete, and it has ended without rolling more."""
        now = await self._begun(others)
        while True:
            await self._complete(generation(now))
            await self.ended.wait()
            last = present(self.stage.view, self.stage.workload)
            if same_template(template(now), template(last)):
                return generation(last)
            now = last  # which may be what was there before, where it took its rollout back

    async def _complete(self, generation: int) -> None:
        """Wait for a rollout, and while the command runs for it to let one go on that is paused."""
        while True:
            try:
                await self.stage.again().until_complete(generation)
            except RolloutError:
                if self.ended.is_set() or not self._is_paused():
                    raise
                await self._let_go_on()
            else:
                return

    def _is_paused(self) -> bool:
        return bool(present(self.stage.view, self.stage.workload)["spec"].get("paused"))

    async def _let_go_on(self) -> None:
        while self._is_paused() and not self.ended.is_set():
            await self.stage.view.changed(within_s=_LOOK_S)

    async def _begun(self, others: Mapping[str, Object]) -> Object:
        """The workload, once its pod template is another than before."""
        stage = self.stage
        while True:
            now = present(stage.view, stage.workload)
            if is_rolled(stage.before, now):
                return now
            if anyio.current_time() - self.over >= self.command.rolls_within_s:
                raise await self._rolled_nothing(others)
            await stage.view.changed(within_s=_LOOK_S)

    async def _rolled_nothing(self, others: Mapping[str, Object]) -> RolloutError:
        stage = self.stage
        now = await _templates(stage.kube, stage.workload.namespace)
        rolled = [name for name, each in now.items() if not same_template(each, others.get(name))]
        within = f"within {duration(self.command.rolls_within_s)} of its end" if self.command.rolls_within_s else ""
        seen = f"ended with exit code 0, and {stage.workload} was not rolled {within}: its pod template is as before"
        if rolled:
            seen += f"; it rolled {', '.join(rolled)}"
            do = "Name that as the target, or correct the command."
        else:
            do = (
                "Does it change anything when it is run again? {rollout} in its words is the number of the rollout, "
                "{namespace} where the target is. A Service that is switched to another workload (blue/green) rolls "
                "none, and is not judged."
            )
        return self._error(seen.replace("  ", " "), do)


async def _templates(kube: Kube, namespace: str) -> dict[str, Object]:
    """The pod templates of all workloads of the namespace, as far as they may be read: to tell what else was rolled."""
    found: dict[str, Object] = {}
    for kind in _KINDS:
        try:
            listed = await kube.list("apps/v1", kind, namespace)
        except ClusterError:
            continue
        found |= {f"{kind.lower()}/{each['metadata']['name']}": template(each) for each in listed}
    return found
