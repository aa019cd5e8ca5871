"""Judged runs -> what stands in the terminal at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console

from harness.cli.loudness import Loudness, loudness
from harness.judged_runs import Judged


def print_verdict(judged: Judged, console: Console, *, records: Sequence[Path]) -> None:
    """Print the table, what each verdict rests on, and where the reports are; as much of it as is asked for."""
    from harness.reporters.escaping import visible
    from harness.reporters.terminal import details_text, experiment_text, verdict_line

    colour = console.is_terminal and console.color_system is not None and not console.no_color
    if loudness() is Loudness.QUIET:
        for result in judged.result.scenarios:
            typer.echo(verdict_line(result, colour=colour, reasoned=True))
        return
    typer.echo("")
    typer.echo(experiment_text(judged.result, judged.infos, colour=colour))
    for result in judged.result.scenarios if loudness() is Loudness.VERBOSE else ():
        typer.echo("")
        typer.echo(f"{visible(result.scenario)} in full")
        typer.echo(details_text(result))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        from harness.reporters.annotations import workflow_commands

        for command in workflow_commands(judged.result, judged.infos):
            typer.echo(command)
    typer.echo("")
    for report in judged.reports:
        typer.echo(f"{_KINDS.get(report.name, report.name):<10} {report}")
    for folder in records:
        typer.echo(f"{'Records':<10} {folder}")


def summary_json(judged: Judged, *, records: Sequence[Path]) -> str:
    """What a machine wants to know at the end: the verdicts with their numbers; all else is in result.json."""
    scenarios = [
        {
            "scenario": one.scenario,
            "variant": one.variant,
            "path": one.path,
            "verdict": one.verdict,
            "expected": one.as_expected,
            "within_budget": one.within_budget,
            "reason": one.reason,
            "sentence": one.sentence,
            "rollouts": len(one.rollouts),
            "dropping": sum(rollout.dropping for rollout in one.rollouts),
            "requests": one.requests,
            "failed": one.failed,
            "causes": one.causes,
        }
        for one in judged.result.scenarios
    ]
    told = {
        "experiment": judged.result.experiment,
        "exit_code": judged.result.exit_code,
        "scenarios": scenarios,
        "notes": judged.result.notes,
        "reports": [str(path) for path in judged.reports],
        "records": [str(path) for path in records],
    }
    return json.dumps(told, indent=1, allow_nan=False)


_KINDS = {"report.md": "Markdown", "report.html": "HTML", "junit.xml": "JUnit"}
