"""Judged runs -> what stands in the terminal at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console

from harness.judged_runs import Judged


def print_verdict(judged: Judged, console: Console, *, records: Sequence[Path]) -> None:
    """Print the table, what each verdict rests on, and where the reports are."""
    from harness.reporters.terminal import experiment_text

    typer.echo("")
    colour = console.is_terminal and console.color_system is not None
    typer.echo(experiment_text(judged.result, judged.infos, colour=colour))
    typer.echo("")
    for report in judged.reports:
        typer.echo(f"{_KINDS.get(report.name, report.name):<10} {report}")
    for folder in records:
        typer.echo(f"{'Records':<10} {folder}")


_KINDS = {"report.md": "Markdown", "report.html": "HTML", "junit.xml": "JUnit"}
