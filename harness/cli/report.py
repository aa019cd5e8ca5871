"""`rollout-harness report`: run directories, judged and rendered again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.ending import conclude
from harness.cli.faults import unjudged
from harness.cli.loudness import Quiet, Verbose
from harness.cli.memory import check_memory
from harness.errors import HarnessError
from harness.redaction import door


def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="A run directory: of an experiment or of a scenario.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for results and reports, so that RUN is only read. Default: RUN.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON instead of text.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Judge run directories again and write their reports; runs of the same variant are pooled."""
    check_memory()
    from rich.console import Console

    from harness.cli.summary import print_verdict, summary_json
    from harness.judged_runs import judge_again

    try:
        judged = judge_again(runs, out)
    except (HarnessError, OSError, MemoryError):
        raise
    except Exception as error:  # nobody thinks of all that a record can be damaged by
        raise unjudged(error, runs) from error
    if as_json:
        typer.echo(door().text(summary_json(judged, records=runs)))
    else:
        print_verdict(judged, Console(), records=runs)
    conclude(judged.result.exit_code)
