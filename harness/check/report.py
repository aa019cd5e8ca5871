"""What a check found: findings with their places, what was passed over, and how much was looked at."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.result import Cause
from harness.spec.hazard import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file, or `context:NAME`, and a line from 1; None: it has none."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A hazard of one workload. `rule`: its name in the table; `ignored`: the reason why it is, empty where not."""

    rule: str
    severity: Severity
    workload: str
    place: Place
    wrong: str
    found: str
    mend: str
    cause: Cause | None = None
    ignored: str = ""

    @property
    def sentence(self) -> str:
        """What is wrong with which workload, with the values found."""
        return f"{self.workload}: {self.wrong} ({self.found})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """What was not checked, and why. `refused`: it should have been, and neither this nor a cluster takes it as it is:
    a manifest that is broken, or anything that was named itself and cannot be read."""

    place: Place
    why: str
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it, in the order of files and lines. `is_empty`: what was named holds nothing that could be checked, or be
    told why it is not: an empty file, a folder without any."""

    findings: tuple[Finding, ...]
    passed_over: tuple[PassedOver, ...]
    workloads: int
    files: int
    is_empty: bool = False

    @property
    def told(self) -> tuple[Finding, ...]:
        """Those that nobody ignores."""
        return tuple(finding for finding in self.findings if not finding.ignored)

    def count(self, severity: Severity) -> int:
        """How many of them are that bad."""
        return sum(finding.severity is severity for finding in self.told)

    @property
    def has_errors(self) -> bool:
        """Whether it fails."""
        return self.count(Severity.ERROR) > 0

    @property
    def is_bad_input(self) -> bool:
        """Whether something should have been checked and could not be."""
        return any(each.refused for each in self.passed_over)
