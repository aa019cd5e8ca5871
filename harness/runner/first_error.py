"""What a task group ended with -> the one error of it that people should read."""

from __future__ import annotations

from harness import os_errors
from harness.errors import HarnessError, SandboxError, SetupError


def first_error(group: BaseExceptionGroup[HarnessError]) -> HarnessError:
    """The first of the errors in a group, for people: the others are mostly what followed from it.

    What could not be cleaned up after it is added to what there is to do.
    """
    notes: list[str] = []
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        notes += getattr(error, "__notes__", ())
        error = error.exceptions[0]
    assert isinstance(error, HarnessError)
    notes += getattr(error, "__notes__", ())
    if notes and not isinstance(error, SandboxError):  # of a sandbox nothing is left
        error.do = " ".join([error.do, *dict.fromkeys(notes)]).strip()
    return error


def local_error(group: BaseExceptionGroup[OSError]) -> SetupError:
    """What the operating system refused to the harness itself, such as a descriptor, in words."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, OSError)
    where = f": {error.filename}" if error.filename else ""
    return SetupError(f"running the experiment{where}", os_errors.seen(error), os_errors.what_to_do(error))
