"""`rollout-harness doctor`: this machine -> what the harness can do on it, and the command that mends the rest."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.ending import tell, tell_paragraph
from harness.exit_codes import ExitCode
from harness.redaction import door

if TYPE_CHECKING:
    from harness.doctor.finding import Finding


def doctor(
    wanted: Annotated[
        list[str] | None,
        typer.Option("--for", help="What must work, such as sandbox or kind; repeatable. Default: one of these two."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Check what this machine can do: the sandbox, kind and their tools, each with the command that fixes it.

    Changes nothing. Exit code 2 if neither the sandbox nor kind works, or if something that --for names does not.
    """
    import anyio

    from harness.doctor.table import examine, fit

    findings = anyio.run(examine)
    works = fit(findings, wanted or ())
    if as_json:
        typer.echo(door().text(json.dumps({"works": works, "findings": [asdict(one) for one in findings]}, indent=1)))
    else:
        _print(findings, wanted or [], works)
    if not works:
        raise typer.Exit(ExitCode.USAGE)


def _print(findings: tuple[Finding, ...], wanted: list[str], works: bool) -> None:
    for one in findings:
        tell_paragraph(f"{one.name:<10} {one.state.value:<8} {one.seen}")
        if not one.works:
            tell_paragraph(f"  for {one.serves}")
            if one.mend:
                tell(f"  $ {one.mend}")  # not broken over lines: it is copied
    tell("")
    ways = " and ".join(one.name for one in findings if one.works and one.name in ("sandbox", "kind"))
    if wanted:
        tell(f"{', '.join(wanted)}: {'works' if works else 'does not work'}")
    elif works:
        tell(f"this machine can run rollouts: {ways}")
    else:
        tell("this machine cannot run rollouts: neither the sandbox nor kind works; `check` and `report` need neither")
