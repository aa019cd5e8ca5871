"""`disruption: {command: [helm, upgrade, ...]}` -> rollouts that the user's own deploy command makes."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.disruptions.disruption import Step
from harness.disruptions.pace import Pace
from harness.errors import ManifestError
from harness.manifests.application import Application
from harness.model.deploy_command import DeployCommand, deploy_command

if TYPE_CHECKING:  # planning a run needs no client
    from harness.disruptions.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class ByCommand:
    """A Disruption by a command that rolls the application, and perhaps more."""

    command: DeployCommand
    images: tuple[dict[str, str], ...] = ()

    @property
    def words(self) -> str:
        """The command, as it would be typed."""
        return f"by `{shlex.join(self.command.run)}`"

    def step(self, rollout: int) -> Step:
        """Run it once more."""
        details = {"deploy": shlex.join(self.command.run)}
        return Step(details=details, do=partial(_do, command=self.command, rollout=rollout), undo=_undo)

    def lasts_s(self, pace: Pace) -> float:
        """A rolling update."""
        return pace.rollout_s


async def _do(stage: Stage, *, command: DeployCommand, rollout: int) -> int:
    from harness.disruptions.deploying import deployed

    return await deployed(stage, command, rollout)


async def _undo(stage: Stage) -> None:
    from harness.disruptions.rolling_update import rolled_back

    await rolled_back(stage)


def planned(application: Application, said: tuple[str, ...] | DeployCommand, rollouts: int) -> ByCommand:
    """The command, once a rollout.

    Raises:
        ManifestError: there is no such program, or no such folder, on this machine.
    """
    command = deploy_command(said)
    program = command.run[0]
    tried = f"looking for the deploy command {program}"
    if not command.folder.is_dir():
        raise ManifestError(tried, f"there is no folder {command.folder} to run it in")
    named = "/" in program
    # What is named by its path is found from wherever it is started, also where the experiment's folder is said as "".
    place = str((command.folder / program).absolute()) if named else program
    if shutil.which(place) is None:
        if named and Path(place).is_file():
            raise ManifestError(tried, f"{place} may not be executed", f"Run: chmod +x {shlex.quote(place)}")
        seen = f"there is no program {place}" if named else "it is not on PATH"
        do = "A line for a shell is written [sh, -c, ...]." if " " in program else "Install it, or correct its name."
        raise ManifestError(tried, seen, do)
    return ByCommand(command=command.model_copy(update={"run": (place, *command.run[1:])}))
