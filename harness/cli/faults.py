"""A fault of our own -> a file with its stack trace, and the line that names it."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import harness
from harness.errors import DamagedRunError
from harness.redaction import door

_HERE = Path(harness.__file__).parent


def told(error: BaseException, command: str) -> str:
    """The line for people: what kind of fault, where, and in which file the rest is."""
    file = _written(error)
    where = f"the stack trace is in {file}" if file else "the stack trace could not be saved (HOME, TMPDIR)"
    return (
        f"{command}: a bug in rollout-harness itself ({place(error)}); {where}. "
        f"Please report {'it with that' if file else 'this line'}; exit code 70 says nothing about your rollout."
    )


def unjudged(error: Exception, runs: Sequence[Path]) -> DamagedRunError:
    """What to say of records from which no verdict can be had, for a reason that only the stack trace tells."""
    which = next(iter(getattr(error, "__notes__", ())), f"while judging {', '.join(map(str, runs))}")
    file = _written(error)
    return DamagedRunError(
        which.removeprefix("while "),
        f"its record cannot be judged ({place(error)})",
        f"It is damaged, or this is a bug in rollout-harness: the stack trace is in {file}." if file else "",
    )


def place(error: BaseException) -> str:
    """The kind of an error and where in our code it came up: "KeyError in analysis/judging.py, line 88"."""
    innermost = error
    while isinstance(innermost, BaseExceptionGroup):
        innermost = innermost.exceptions[0]
    frames = traceback.extract_tb(innermost.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_HERE)]
    if not ours:
        return type(innermost).__name__
    return f"{type(innermost).__name__} in {Path(ours[-1].filename).relative_to(_HERE)}, line {ours[-1].lineno}"


def _written(error: BaseException) -> Path | None:
    text = "".join(
        [
            f"rollout-harness {harness.__version__}, Python {platform.python_version()}, {platform.platform()}\n",
            f"{sys.argv}\n\n",
            *traceback.format_exception(error),
        ]
    )
    text = door().text(text)
    for folder in _folders():
        path = folder / f"fault-{datetime.now().astimezone():%Y%m%d-%H%M%S}-{os.getpid()}.txt"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text.encode(errors="backslashreplace").decode())
        except (OSError, ValueError):
            continue
        return path
    return None


def _folders() -> Iterator[Path]:
    """Where a state of ours belongs (XDG Base Directory Specification), then where anybody may write."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if state.startswith("/"):
        yield Path(state) / "rollout-harness"
    home = os.environ.get("HOME", "")
    if home.startswith("/"):
        yield Path(home) / ".local" / "state" / "rollout-harness"
    yield Path(tempfile.gettempdir())
