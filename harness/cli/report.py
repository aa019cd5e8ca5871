"""`rollout-harness report`: run directories, judged and rendered again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="An experiment's folder or a scenario's.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the reports; default: the (first) RUN.")] = None,
) -> None:
    """Judge run directories again and write their reports; several runs of a variant are pooled."""
    from harness.cli.verdict import print_verdict
    from harness.judgement import judge_again

    folder = out or runs[0]
    judged = judge_again(runs, folder)
    print_verdict(judged, folder, Console())
    sys.exit(judged.result.exit_code)
