"""Arguments -> the command that is meant; errors -> one line for people and the right exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import harness
from harness.cli import demo, mitigate, report, run, sandbox, schema, trace
from harness.errors import HarnessError

EXIT_USAGE = 2

app = typer.Typer(
    name="rollout-harness",
    help="Does my Kubernetes rollout drop calls, why, and what is the smallest change that stops it?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.command("report")(report.report)
app.command("mitigate")(mitigate.mitigate)
app.command("schema")(schema.schema)
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(trace.app, name="trace")


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
    """Run the command line; errors become one line on standard error."""
    try:
        app()
    except HarnessError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(EXIT_USAGE)
