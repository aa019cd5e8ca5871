"""The exception tree: everything that the harness raises on purpose.

    HarnessError
    ├── UsageError            what was asked for cannot be done as written; nothing was changed
    │   ├── ExperimentError   ... in the experiment file
    │   ├── ManifestError     ... in the manifests of the application
    │   └── RunFormatError    ... in a run directory that is to be read
    │       └── DamagedRunError   it is one, and what is wrong with it leaves no verdict
    ├── SetupError            this machine or cluster lacks something; nothing was rolled
    │   ├── ClusterError      the cluster is unknown, does not answer, or refuses
    │   └── SandboxError      the embedded cluster did not come up, or died
    ├── OutputError           a file that is to be written cannot be
    ├── LoadError             a load worker did not start, or died
    └── RolloutError          the rollout could not be triggered, watched or undone
        ├── RolloutAborted    ... or did more harm than it may
        └── NothingRolled     ... or was waited for, and nobody made it

Each says what was tried, what was seen, and what to do. Exceptions of other libraries do not cross a room's edge:
the room translates them.
"""

from __future__ import annotations

from typing import ClassVar

from harness.exit_codes import ExitCode


class HarnessError(Exception):
    """What was tried, what was seen, what to do.

    `str()` gives one line for people: "TRIED: SEEN. DO." `details`: lines below it, such as the end of a log; they are
    shown, and never written into a run directory.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE
    details: tuple[str, ...] = ()

    def __init__(self, tried: str, seen: str = "", do: str = "") -> None:
        self.tried, self.seen, self.do = tried, seen, do
        super().__init__(tried, seen, do)

    def __str__(self) -> str:
        line = f"{self.tried}: {self.seen}" if self.seen else self.tried
        if not self.do:
            return line
        return f"{line}{'' if line.endswith(('.', '?', '!')) else '.'} {self.do}"


class UsageError(HarnessError):
    """What was asked for cannot be done as written; nothing was changed."""


class ExperimentError(UsageError):
    """The experiment file is missing, is not YAML, or does not say what it must."""


class ManifestError(UsageError):
    """The manifests lack the target or the Service, or the two do not belong together."""


class RunFormatError(UsageError):
    """A run directory cannot be read: not one, too new, or without anything in it."""


class DamagedRunError(RunFormatError):
    """A run directory is so damaged that no verdict can be had from it."""

    exit_code = ExitCode.INCONCLUSIVE


class SetupError(HarnessError):
    """This machine or cluster lacks something that the run needs; nothing was rolled."""


class ClusterError(SetupError):
    """The cluster is unknown, does not answer, or refuses."""


class SandboxError(SetupError):
    """The embedded cluster did not come up, or died."""


class OutputError(HarnessError):
    """A file that is to be written cannot be."""


class LoadError(HarnessError):
    """A load worker did not start, or died."""


class RolloutError(HarnessError):
    """The rollout could not be triggered, watched or undone."""


class RolloutAborted(RolloutError):
    """More requests failed than `abort_if` allows; the load was stopped."""


class NothingRolled(RolloutError):
    """Nobody rolled what was watched, or not often enough."""

    exit_code = ExitCode.INCONCLUSIVE
