"""What a command ended with -> an exit code and, where it is an error, one line on standard error."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

import typer

from harness import os_errors
from harness.cli import faults
from harness.cli.loudness import Loudness, loudness
from harness.cli.signals import Stopped
from harness.errors import HarnessError
from harness.exit_codes import ExitCode
from harness.inputs.shown import cut, paragraph, printable
from harness.redaction import door


class Verdict(SystemExit):
    """The end of a command that judged runs: its code is theirs, whatever becomes of what is printed."""


def conclude(code: int) -> NoReturn:
    """End the command with the exit code of its verdicts."""
    raise Verdict(code)


def tell(line: str, *, error: bool = False) -> None:
    """One line of plain text for people, however hostile the names in it are; `error`: on standard error."""
    print(printable(door().text(line)), file=sys.stderr if error else sys.stdout)


def tell_paragraph(line: str, *, error: bool = False) -> None:
    """The same, broken at spaces where it is wider than a terminal."""
    print(paragraph(printable(door().text(line))), file=sys.stderr if error else sys.stdout)


def tell_error(error: HarnessError) -> None:
    """One line for people on standard error, broken at spaces only where that is a terminal, and what stands below."""
    parts = (cut(printable(door().text(part))) for part in (error.tried, error.seen, error.do))
    _print_error(str(HarnessError(*parts)))
    for line in error.details:
        print(f"  {printable(door().text(line))}", file=sys.stderr)
    for cause in _behind(error) if loudness() is Loudness.VERBOSE else ():
        print(f"  behind it: {cut(printable(door().text(cause)))}", file=sys.stderr)


def _behind(error: BaseException) -> Iterator[str]:
    """The kinds and words of what an error was raised from, innermost last."""
    behind = error.__cause__ or error.__context__
    while behind is not None:
        yield f"{type(behind).__name__}: {behind}"
        behind = behind.__cause__ or behind.__context__


def _print_error(words: str) -> None:
    line = f"error: {words}"
    print(paragraph(line) if sys.stderr.isatty() else line, file=sys.stderr)


def ended(command: Callable[[], object], name: str) -> tuple[int, bool]:
    """Run a command; gives its exit code, and whether that is a verdict's."""
    try:
        command()
    except Verdict as verdict:
        return _code(verdict), True
    except SystemExit as end:
        return _code(end), False
    except typer.Exit as end:
        return end.exit_code, False
    except typer.TyperException as misused:
        return _of_usage(misused), False
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.of_signal(2), False
    except Stopped as stopped:
        return ExitCode.of_signal(stopped.number), False
    except BaseException as error:
        return _of_error(error, name), False
    return ExitCode.AS_EXPECTED, False


def _code(end: SystemExit) -> int:
    return end.code if isinstance(end.code, int) else ExitCode.AS_EXPECTED


def _of_usage(misused: typer.TyperException) -> int:
    if type(misused).__name__ == "NoArgsIsHelpError":  # its message is the help
        if help_ := misused.format_message():
            print(help_, file=sys.stderr)
        return ExitCode.USAGE
    context = getattr(misused, "ctx", None)
    help_ = f"See {context.command_path} --help." if context is not None else ""
    tell_error(
        HarnessError(
            "reading the command line", misused.format_message().replace("Value error, ", "").rstrip("."), help_
        )
    )
    return ExitCode.USAGE


def _of_error(error: BaseException, name: str) -> int:
    """The code of what no command ends with on purpose: the machine's doing, or a fault of our own."""
    for one in _single(error):
        if isinstance(one, HarnessError):
            tell_error(one)
            return one.exit_code
        if isinstance(one, MemoryError):
            tell_error(HarnessError(name, f"memory ran out{_limit()}", os_errors.what_to_do(OSError(12, ""))))
            return ExitCode.USAGE
        if isinstance(one, OSError):
            where = f"{name}: {one.filename}" if isinstance(one.filename, str) else name
            tell_error(HarnessError(where, os_errors.seen(one), os_errors.what_to_do(one)))
            return ExitCode.USAGE
    _print_error(cut(printable(faults.told(error, name)), 1500))
    return ExitCode.FAULT


def _single(error: BaseException) -> list[BaseException]:
    """What a group says, where all of it is of an expected kind; nothing where one is a fault."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    inner = [one for part in error.exceptions for one in _single(part)]
    return inner if all(isinstance(one, HarnessError | OSError | MemoryError) for one in inner) else []


def _limit() -> str:
    """The limit on memory that holds for this process, as the end of a sentence."""
    limits = [
        limit for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA) if (limit := resource.getrlimit(kind)[0]) > 0
    ]
    return f" (this process may have {min(limits) >> 20} MB)" if limits else ""
