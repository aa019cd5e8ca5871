"""`rollout-harness check`: manifests, or what stands in a cluster, held against the table of hazards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.check.format import Format
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.redaction import door

if TYPE_CHECKING:
    from harness.check.checking import Known
    from harness.check.report import Report

_VERSION = re.compile(r"v?(\d{1,3})\.(\d{1,3})(?:[.+-].*)?")


def check(
    manifests: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[MANIFEST|DIR|-]...", help="YAML or JSON files, folders, or `-` for standard input."),
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="Instead of files: check what runs in the cluster of this kubeconfig context.")
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", "-n", help="With --context: only this namespace. Default: all but the system's."),
    ] = None,
    output: Annotated[
        Format, typer.Option("--format", help="The output format; github: workflow annotations.")
    ] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    ci_timeout: Annotated[
        str | None, typer.Option(help="The time that the pipeline allows for a rollout, such as 5m.")
    ] = None,
    stop_time: Annotated[
        str | None, typer.Option(help="How long the application takes to stop after its stop signal, such as 20s.")
    ] = None,
    kubernetes: Annotated[str | None, typer.Option(help="The cluster's version, such as 1.29.")] = None,
    proxy_period: Annotated[str | None, typer.Option(help="kube-proxy's minSyncPeriod, such as 10s.")] = None,
) -> None:
    """Find what in manifests will lose calls in a rollout, and how to fix it, without running anything.

    Exit code 1 if there are errors, else 2 if a manifest is broken, a file cannot be read, or all that was named is
    empty. Files that are not manifests are listed and skipped. docs/rules.md has a page for every rule. To ignore a
    rule, write a comment: `# rollout-harness: ignore RULE REASON`.
    """
    from harness.check.checking import Known
    from harness.check.formats import FORMATS

    known = Known(
        kubernetes=_version(kubernetes),
        proxy_period_s=_seconds("--proxy-period", proxy_period),
        stop_s=_seconds("--stop-time", stop_time),
        ci_timeout_s=_seconds("--ci-timeout", ci_timeout),
    )
    report = _report(manifests or [], context, namespace, known)
    typer.echo(door().text(FORMATS[Format.JSON if as_json else output](report)))
    if report.has_errors:
        raise typer.Exit(ExitCode.NOT_AS_EXPECTED)
    if report.is_bad_input:
        raise typer.Exit(ExitCode.USAGE)
    if report.is_empty:
        names = ", ".join(map(str, manifests or []))
        raise UsageError(f"checking {names}", "nothing is in it", "Name files with manifests, or folders of them.")


def _report(manifests: list[Path], context: str | None, namespace: str | None, known: Known) -> Report:
    if (context is None) == (not manifests):
        raise UsageError(
            "reading what to check",
            "give either files or --context",
            "Name files, folders or `-`, or give --context NAME.",
        )
    if context is None:
        if namespace is not None:
            raise UsageError(f"reading --namespace {namespace}", "it only goes with --context", "Leave it out.")
        from harness.check.checking import check as checked
        from harness.check.sources import sources
        from harness.clusters.api_fields import unknown_fields
        from harness.clusters.api_rules import refusals

        return checked(sources(manifests), known, rules=refusals, unknown=unknown_fields)
    import anyio

    from harness.check.live import check_context

    return anyio.run(check_context, context, namespace, known)


def _seconds(option: str, text: str | None) -> float | None:
    from harness.model.duration import seconds

    try:
        return None if text is None else seconds(text)
    except ValueError as error:
        raise UsageError(f"reading {option} {text}", str(error)) from None


def _version(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    if (found := _VERSION.fullmatch(text)) is None:
        raise UsageError(
            f"reading --kubernetes {text}", "that is not a Kubernetes version", "Example: --kubernetes 1.29."
        )
    return int(found[1]), int(found[2])
