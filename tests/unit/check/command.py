"""`rollout-harness check` in this process: what it prints, finds and ends with."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cli.app import arranged
from harness.cli.ending import ended

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


class _Piped(io.TextIOWrapper):
    def isatty(self) -> bool:
        return False


def check(*arguments: str, given: str | None = None, form: str = "json") -> Checked:
    """Check what the arguments name, or what is given on standard input."""
    return command("check", *arguments, *(["-"] if given is not None else []), "--format", form, given=given)


def command(*words: str, given: str | None = None) -> Checked:
    """Any command, likewise."""
    out, error, before = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = _Piped(io.BytesIO((given or "").encode()), encoding="utf-8")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            code, _ = ended(lambda: arranged(list(words)), "rollout-harness")
    finally:
        sys.stdin = before
    return Checked(code=int(code), out=out.getvalue(), error=error.getvalue())
