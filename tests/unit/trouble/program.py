"""The program as a process: what it says and how it ends, and that what it says of an error is one harmless line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAM = (sys.executable, "-m", "harness")
CODES = {0, 1, 2, 3, 70, 129, 130, 143}
TIMEOUT_S = 60

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
    environment = {"COLUMNS": "200", **os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    for name, value in (env or {}).items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    stdin = {"stdin": subprocess.DEVNULL} if given is None else {"input": given}
    done = subprocess.run(  # type: ignore[call-overload]
        argv, cwd=cwd, env=environment, capture_output=True, timeout=TIMEOUT_S, check=False, **stdin
    )
    return Told(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def check_harmless(told: Told) -> None:
    """No stack trace, an exit code of the table, and lines that are short and cannot move a terminal."""
    assert told.code in CODES, told
    assert not _CRASH.search(told.err), told
    for line in told.err.splitlines():
        assert len(line) <= 2000, line
        assert line.isprintable(), line
