"""The command line of a program on this machine -> what it printed, or how it ended.

Each runs in a session of its own: Ctrl-C reaches the harness alone, which then ends the program and what it started.
"""

from __future__ import annotations

import os
import signal
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import anyio
import anyio.abc

from harness.errors import ClusterError

PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended, and what it said."""

    command: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    @property
    def tried(self) -> str:
        """What was run, in words, without what makes it long."""
        return f"running `{' '.join(self.command[:4])}`"


async def ended(*command: str, stdin: bytes = b"", patience_s: float | None = None, into: Path | None = None) -> Ended:
    """Run a program to its end. `into`: a file for its standard output, where that is no text.

    Raises:
        ClusterError: it cannot be started, or did not end in time (`PATIENCE_S`).
    """
    limit_s = PATIENCE_S if patience_s is None else patience_s
    tried = f"running `{' '.join(command[:4])}`"
    # Files and no pipes: who fails before it has read leaves a pipe broken, and who leaves a child behind one open.
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() if into is None else into.open("wb") as out,
        tempfile.TemporaryFile() as err,
    ):
        given.write(stdin)
        given.seek(0)
        try:
            process = await anyio.open_process(
                list(command), stdin=given, stdout=out, stderr=err, start_new_session=True
            )
        except OSError as error:
            raise ClusterError(tried, error.strerror or str(error), "Is it installed, and may it be run?") from None
        try:
            with anyio.fail_after(limit_s):
                await process.wait()
        except TimeoutError:
            said = (_text(err).strip().splitlines() or ["it had printed nothing"])[-1]
            raise ClusterError(tried, f"it did not end within {limit_s:g} s: {said}", "Is Docker up?") from None
        finally:
            await _end(process)
        printed = _text(out) if into is None else ""
        return Ended(command=command, code=process.returncode or 0, stdout=printed, stderr=_text(err))


async def _end(process: anyio.abc.Process) -> None:
    """No part of it outlives the one who asked for it."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with anyio.CancelScope(shield=True):
            await process.wait()
    await process.aclose()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
