"""A path that output is to go to -> a folder that takes it, tried before anything starts, and this run's alone."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import takewhile
from pathlib import Path

from harness import os_errors
from harness.errors import OutputError, UsageError

LOCK = ".lock"
_PROBE = ".probe"
_PROBE_BYTES = 64 * 1024  # less room than this takes no report either
_NAME_IN_IT = 40  # the longest name of a file below it, such as a scenario's


class OutputFolder:
    """The folder of one run, which holds its lock."""

    def __init__(self, path: Path, made: Path | None, *, goes_on: bool = False) -> None:
        self.path = path
        self._goes_on = goes_on
        self._made = made  # the outermost folder that this run made, if it made any

    def take_back(self) -> None:
        """Remove what a refused run left: the folder is as it was before, so that the same command can be repeated.

        Of one that is gone on with nothing is removed.
        """
        if self._goes_on:
            return
        for child in self.path.iterdir():
            if child.name == LOCK:
                continue
            if child.is_dir() and not child.is_symlink():
                shutil.rmtree(child, ignore_errors=True)
            else:
                child.unlink(missing_ok=True)

    def leave(self, *, locked: bool = True) -> None:
        """Remove the lock, and the folders that this run made and that hold nothing."""
        if locked:
            with suppress(OSError):
                (self.path / LOCK).unlink(missing_ok=True)
        if self._made is None:
            return
        with suppress(OSError):  # the first that is not empty ends it
            for folder in (self.path, *self.path.parents):
                folder.rmdir()
                if folder == self._made:
                    return


@contextmanager
def output_folder(path: Path, *, replace: bool = False, goes_on: bool = False) -> Iterator[OutputFolder]:
    """The folder, made if need be, empty, and locked for as long as the block lasts.

    `replace`: what is in it may go, which the caller has looked at. `goes_on`: what is in it stays, and more comes.

    Raises:
        UsageError: it is no folder, cannot be written, is in use by another run, or is not empty.
    """
    tried = f"writing to {path}"
    with ExitStack() as held:
        folder = OutputFolder(path, _made(path, tried), goes_on=goes_on)
        held.enter_context(_locked(path, tried))
        held.callback(folder.leave)
        if replace:
            folder.take_back()
        elif not goes_on and any(child.name != LOCK for child in path.iterdir()):
            raise UsageError(tried, "it is there and not empty", "Give another --out.")
        _probe(path, tried)
        yield folder


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """A folder below which can be written, made if need be; one that was made goes again where the block fails.

    Raises:
        UsageError: that is not possible; nothing was changed.
    """
    tried = f"writing to {path}"
    folder = OutputFolder(path, _made(path, tried))
    try:
        _probe(path, tried)
        yield
    except BaseException:
        folder.leave(locked=False)
        raise


@contextmanager
def not_in_progress(path: Path) -> Iterator[None]:
    """Hold off a run that would write to this folder, for as long as the block lasts.

    Raises:
        UsageError: one is in progress in it.
    """
    try:
        descriptor = os.open(path / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # nobody left a lock
        yield
        return
    try:
        _lock(descriptor, fcntl.LOCK_SH, path, f"reading {path}")
        yield
    finally:
        os.close(descriptor)


def _made(path: Path, tried: str) -> Path | None:
    """Make the folder; gives the outermost one that was not there."""
    try:
        missing = list(takewhile(_is_missing, (path, *path.parents)))
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(tried, "it is a file and no folder (directory)", "Name another folder.") from None
    except OSError as error:
        raise UsageError(tried, os_errors.seen(error), os_errors.what_to_do(error)) from None
    return missing[-1] if missing else None


def _is_missing(folder: Path) -> bool:
    try:
        folder.stat()
    except FileNotFoundError:
        return True
    return False


@contextmanager
def _locked(path: Path, tried: str) -> Iterator[None]:
    try:
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UsageError(tried, os_errors.seen(error), os_errors.what_to_do(error)) from None
    try:
        _lock(descriptor, fcntl.LOCK_EX, path, tried)
        with suppress(OSError):  # a full disk: the probe says so
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, how: int, path: Path, tried: str) -> None:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        by = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
        who = f"process {by}" if by.isdigit() else "another process"
        raise UsageError(
            tried, f"a run is in progress in it ({who})", "Wait until it is over, or name another folder."
        ) from None
    except OSError:  # a file system without locks, such as some network ones: better unlocked than not at all
        return


def _probe(path: Path, tried: str) -> None:
    """Write as much as a small report, under a name as long as a scenario's, and take it away again."""
    probe = path / (_PROBE + "-" * (_NAME_IN_IT - len(_PROBE)))
    try:
        try:
            with probe.open("wb") as file:
                file.write(bytes(_PROBE_BYTES))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(tried, os_errors.seen(error), os_errors.what_to_do(error)) from None


def output_error(path: Path, error: OSError) -> OutputError:
    """What could not be written, in the words of the table."""
    return OutputError(f"writing {path}", os_errors.seen(error), os_errors.what_to_do(error))
