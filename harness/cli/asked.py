"""The options of `run` -> what a run directory keeps of them, and what resumes that run without their being given."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.cli.described import StandIns
from harness.errors import UsageError
from harness.store.output import LOCK
from harness.store.reader import no_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which experiment, where, and with what otherwise than its file says. None: not said."""

    experiment: Path | None = None
    cluster: str | None = None
    stand_in: StandIns | None = None
    latency: str | None = None
    budget: tuple[str, ...] = ()
    namespace: str | None = None
    worker_image: str | None = None

    @property
    def record(self) -> dict[str, Any]:
        """What is kept of it; nothing where no file says what the experiment is."""
        if self.experiment is None or str(self.experiment) == "-":
            return {}
        given = asdict(replace(self, experiment=None))
        said = {name: list(value) if name == "budget" else value for name, value in given.items() if value}
        return {"experiment": str(self.experiment.resolve()), **said}

    def over(self, run: Path) -> Asked:
        """The same, and what is not said as it was when that run began.

        Raises:
            UsageError: nothing says which experiment it was.
        """
        from harness.store.planned import read_asked

        kept = read_asked(run)
        if self.experiment is None and "experiment" not in kept:
            seen = "its record does not say which experiment file it came from"
            raise UsageError(f"resuming {run}", seen, "Give the experiment as well: run EXPERIMENT --resume RUN.")
        found = {name: kept[name] for name in self.__slots__ if kept.get(name) and not getattr(self, name)}
        if "experiment" in found:
            found["experiment"] = Path(str(found["experiment"]))
        if "stand_in" in found:
            found["stand_in"] = StandIns(found["stand_in"])
        if "budget" in found:
            found["budget"] = tuple(map(str, found["budget"]))
        return replace(self, **found)


def experiment_folder(run: Path) -> Path:
    """The folder of the whole experiment, be it that one of its scenarios is named.

    Raises:
        UsageError: there is no such folder, or the run was killed before it wrote anything into it.
    """
    tried = f"resuming {run}"
    if not run.is_dir():
        raise UsageError(tried, no_folder(run), "Give the folder of an interrupted run.")
    if all(child.name == LOCK for child in run.iterdir()):
        again = f"Start it again: rollout-harness run EXPERIMENT --out {shlex.quote(str(run))}"
        raise UsageError(tried, "nothing was recorded: the run was killed before it began", again)
    return run.parent if (run / "run.json").is_file() and (run.parent / "experiment.json").is_file() else run
