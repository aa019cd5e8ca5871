"""Arguments -> the command that is meant; errors -> one line for people and the right exit code."""

from __future__ import annotations

import functools
import os
import sys
import warnings
from typing import Annotated

import typer
import typer.core
import typer.main

import harness
from harness import os_errors
from harness.cli import (
    check,
    clean,
    compare,
    demo,
    doctor,
    explain,
    mitigate,
    report,
    restore,
    run,
    sandbox,
    schema,
    trace,
    watch,
)
from harness.cli.ending import ended, tell_error
from harness.cli.examples import epilog
from harness.cli.loudness import as_usual
from harness.cli.signals import stopped_by_signals
from harness.cli.streams import lasting_streams
from harness.errors import HarnessError, UsageError
from harness.exit_codes import MEANINGS, ExitCode

_EXIT_CODES = "\n\n".join(["Exit codes:", *(f"{code}: {meaning}." for code, meaning in MEANINGS.items())])

_SAID_ON_OUTPUT = (ExitCode.AS_EXPECTED, ExitCode.NOT_AS_EXPECTED)
"""What a command ends with that has printed what it found, and told no error."""

PROGRAM = "rollout-harness"
COMPLETE = "_ROLLOUT_HARNESS_COMPLETE"
_FEWEST_COLUMNS = 20
"""The variable by which a shell's completion script asks; typer makes its name of the program's."""

app = typer.Typer(
    name=PROGRAM,
    help="Does my Kubernetes rollout drop calls, why, and what is the smallest change that stops it?",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run", epilog=epilog("run"))(run.run)
app.command("demo", epilog=epilog("demo"))(demo.demo)
app.command("watch", epilog=epilog("watch"))(watch.watch)
app.command("report", epilog=epilog("report"))(report.report)
app.command("explain", epilog=epilog("explain"))(explain.explain)
app.command("compare", epilog=epilog("compare"))(compare.compare)
app.command("check", epilog=epilog("check"))(check.check)
app.command("mitigate", epilog=epilog("mitigate"))(mitigate.mitigate)
app.command("clean", epilog=epilog("clean"))(clean.clean)
app.command("restore", epilog=epilog("restore"))(restore.restore)
app.command("doctor", epilog=epilog("doctor"))(doctor.doctor)
app.command("schema", epilog=epilog("schema"))(schema.schema)
app.add_typer(sandbox.app, name="sandbox", epilog=epilog("sandbox"))
app.add_typer(trace.app, name="trace", epilog=epilog("trace"))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rollout-harness {harness.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[  # eager, and so done before a command is missed
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the command line: whatever it meets, it ends with a code of the table and at most one line of error."""
    if COMPLETE in os.environ:  # a shell asks what may come next, in words of its own
        app(prog_name=PROGRAM)
    with lasting_streams() as streams, warnings.catch_warnings():
        if not sys.warnoptions:  # a library's warning is for who works on this, and is an error in the tests
            warnings.simplefilter("ignore")
        _forget_no_width()
        words = sys.argv[1:]
        name = " ".join([PROGRAM, *[word for word in words[:1] if not word.startswith("-")]])
        with stopped_by_signals():
            code, is_verdict = ended(lambda: arranged(words), name)
            lost = streams.lost_output()
            if lost is not None and (is_verdict or code in _SAID_ON_OUTPUT):
                tell_error(HarnessError("writing to standard output", os_errors.seen(lost), os_errors.what_to_do(lost)))
                code = code if is_verdict or code else ExitCode.USAGE
    sys.exit(code)


def _forget_no_width() -> None:
    """A terminal of no width, or of hardly any, does not know its own: help would be blank lines."""
    width = os.environ.get("COLUMNS", "")
    if width.isdecimal() and int(width) < _FEWEST_COLUMNS:
        del os.environ["COLUMNS"]


def arranged(words: list[str]) -> None:
    """Do what the words ask for.

    Not through typer's own `main`, which prints errors in a box and ends with 1 where a pipe is closed.
    """
    as_usual()
    _refuse_empty(words)
    command = _commands()
    with command.make_context(PROGRAM, words) as context:
        command.invoke(context)


def _refuse_empty(words: list[str]) -> None:
    """An empty word is a variable of a shell that is not set; as a path it would be the working directory.

    Raises:
        UsageError: there is one, elsewhere than in a command of the user's own.
    """
    if words[:2] == ["sandbox", "exec"]:
        return
    for number, word in enumerate(words, 1):
        if not word or (word.startswith("--") and word.endswith("=")):
            what = word.removesuffix("=") or f"word {number} after {PROGRAM}"
            raise UsageError("reading the command line", f"{what} is empty", "Is a variable of the shell not set?")


@functools.cache  # what typer reads from the annotations of all commands is the same each time
def _commands() -> typer.core.TyperGroup:
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)
    return command
