"""The program, as a process or in this one: what it says, how it ends, and that an error is one harmless line."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.cli.app import arranged
from harness.cli.ending import ended

PROGRAM = (sys.executable, "-m", "harness")
CODES = {0, 1, 2, 3, 70, 129, 130, 143}
TIMEOUT_S = 240  # what hangs: nothing takes that long, be the machine as busy as it may

_CRASH = re.compile(r"Traceback|Exception ignored|\w+Warning: |NoneType|has no attribute|CommentedMap")


@dataclass(frozen=True, slots=True)
class Told:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """Its one line of error, checked to be one and harmless."""
        check_harmless(self)
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self
        return lines[0]

    @property
    def refusal(self) -> str:
        """All that it said, where it refused to begin: one line of error, and the exit code for that."""
        assert self.code == 2, self
        assert self.err == f"{self.error}\n", self
        assert not self.out, self
        return self.error


def told(
    *words: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
    given: bytes | None = None,
    sh: str = "",
) -> Told:
    """Run the program; `sh`: bash before it, such as a limit or a redirection."""
    argv: list[str] = [*PROGRAM, *map(str, words)]
    if sh:
        argv = ["bash", "-c", f'{sh}\nexec "$@"', "bash", *argv]
    environment = {"COLUMNS": "200", **os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    for name, value in (env or {}).items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    stdin = {"stdin": subprocess.DEVNULL} if given is None else {"input": given}
    done = subprocess.run(  # type: ignore[call-overload]
        argv, cwd=cwd, env=environment, capture_output=True, timeout=TIMEOUT_S, check=False, **stdin
    )
    return Told(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def called(
    *words: str | Path, cwd: Path | None = None, env: Mapping[str, str | None] | None = None, given_text: str = ""
) -> Told:
    """Run the program in this process, for what is no matter of processes: to start one takes half a second of CPU."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    given = io.TextIOWrapper(io.BytesIO(given_text.encode(errors="replace")))
    with redirect_stdout(out), redirect_stderr(err), chdir(cwd or "."), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", given)
        for name, value in {"COLUMNS": "200", **(env or {})}.items():
            patch.delenv(name, raising=False) if value is None else patch.setenv(name, value)
        code, _ = ended(lambda: arranged([str(word) for word in words]), "rollout-harness")
    return Told(code, *(each.buffer.getvalue().decode(errors="replace") for each in (out, err)))  # type: ignore[attr-defined]


def check_harmless(told: Told) -> None:
    """No stack trace, an exit code of the table, and lines that are short and cannot move a terminal."""
    assert told.code in CODES, told
    assert not _CRASH.search(told.err), told
    for line in told.err.splitlines():
        assert len(line) <= 2000, line
        assert line.isprintable(), line
