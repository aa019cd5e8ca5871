"""`rollout-harness check` in this process: what it prints, finds and ends with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from program import called

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Checked:
    """How a check ended."""

    code: int
    out: str
    error: str

    @property
    def report(self) -> dict[str, Any]:
        """What it printed as JSON."""
        report: dict[str, Any] = json.loads(self.out)
        return report

    @property
    def findings(self) -> list[dict[str, Any]]:
        """Its findings."""
        return list(self.report["findings"])

    @property
    def passed_over(self) -> list[dict[str, Any]]:
        """What it passed over."""
        return list(self.report["passed_over"])


def check(*arguments: str, given: str | None = None, form: str = "json") -> Checked:
    """Check what the arguments name, or what is given on standard input."""
    return command("check", *arguments, *(["-"] if given is not None else []), "--format", form, given=given)


def command(*words: str, given: str | None = None) -> Checked:
    """Any command, likewise."""
    said = called(*words, given_text=given or "")
    return Checked(code=said.code, out=said.out, error=said.err)
