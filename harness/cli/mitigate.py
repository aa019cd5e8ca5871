"""`rollout-harness mitigate`: manifests with mitigations applied, everything else as it is written."""

from __future__ import annotations

from enum import StrEnum
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.ending import tell
from harness.errors import ManifestError, UsageError
from harness.model.mitigations import MITIGATIONS, PURPOSES, contradiction

if TYPE_CHECKING:
    from harness.cli.advised import Advised
    from harness.model.experiment import Mitigation


class Purpose(StrEnum):
    """As `--for` takes them; see `harness.model.mitigations.PURPOSES`."""

    INTERNAL = "internal"
    EXTERNAL = "external"
    UNKNOWN = "unknown"


class Printed(StrEnum):
    """As `--output` takes them."""

    MANIFESTS = "manifests"
    DIFF = "diff"
    KUSTOMIZE = "kustomize"


def mitigate(
    manifest: Annotated[
        Path,
        typer.Argument(
            help="A YAML file with the workload, or `-` for standard input; other objects in it stay as they are."
        ),
    ],
    purpose: Annotated[
        Purpose | None,
        typer.Option(
            "--for",
            help="Who calls it: pods of the same cluster (5 s), clients behind a balancer (30 s), or unknown (30 s).",
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--from", metavar="RUN", help="Apply the settings that a judged run recommends.")
    ] = None,
    output: Annotated[
        Printed, typer.Option(help="What to print: the manifests, a diff, or a kustomize patch.")
    ] = Printed.MANIFESTS,
    **values: str | None,
) -> None:
    """Print the manifests with the mitigations applied to every Deployment and StatefulSet in them.

    Nothing is weakened: longer values stay, and existing hooks keep doing what they do. What was left unchanged is
    listed on standard error. With --for and --from, other errors that `check` finds are fixed as well, and those that
    remain are listed.
    """
    from harness.cli.mitigated_text import change_text

    asked = {name: value for name in MITIGATIONS if (value := values[name.replace("-", "_")]) is not None}
    found = _advised(purpose, run, asked)
    mitigations = _mitigations({**{name: f"{seconds}s" for name, seconds in found.seconds.items()}, **asked})
    changed = change_text(
        _text(manifest), mitigations, tried=f"reading {_name(manifest)}", mend=bool(purpose or run), asked=found.mends
    )
    if not mitigations and not (purpose or run):
        tell(
            "nothing was changed: give a mitigation, such as --for unknown, --from RUN or --prestop 5s",
            error=True,
        )
    for line in changed.said:
        tell(line, error=True)
    prints = {
        Printed.MANIFESTS: lambda: changed.text,
        Printed.DIFF: lambda: changed.diff(str(manifest)),
        Printed.KUSTOMIZE: changed.patches,
    }
    typer.echo(prints[output](), nl=False)


def _advised(purpose: Purpose | None, run: Path | None, asked: dict[str, str]) -> Advised:
    """What is to be changed where no option says it."""
    from harness.cli.advised import Advised, advised

    if purpose is not None and run is not None:
        raise UsageError("reading --for and --from", "both are given", "Give one: a run measured what --for assumes.")
    found = advised(run) if run is not None else Advised(seconds=dict(PURPOSES[purpose]) if purpose else {})
    if "prestop-exec" in asked:
        found.seconds.pop("prestop", None)
    return found


def _name(manifest: Path) -> str:
    from harness.check.sources import STANDARD_INPUT_NAME
    from harness.inputs.files import STANDARD_INPUT

    return STANDARD_INPUT_NAME if str(manifest) == STANDARD_INPUT else str(manifest)


def _text(manifest: Path) -> str:
    from harness.inputs.files import STANDARD_INPUT, file_text, standard_input_text

    if str(manifest) == STANDARD_INPUT:
        return standard_input_text(what="manifests", error=ManifestError, hint="Pipe: helm template ... | ...")
    return file_text(manifest, error=ManifestError)


def _mitigations(asked: dict[str, str]) -> tuple[Mitigation, ...]:
    from pydantic import ValidationError

    from harness.model.experiment import Mitigation

    found = []
    for name in MITIGATIONS:
        if name not in asked:
            continue
        try:
            found.append(Mitigation.model_validate({name: asked[name]}))
        except ValidationError as error:
            seen = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise UsageError(f"reading --{name}", seen, f"Example: --{name} 5s.") from None
    if wrong := contradiction([(mitigation.name, mitigation.value_s) for mitigation in found]):
        raise UsageError(f"reading {' '.join(f'--{name} {value}' for name, value in asked.items())}", wrong)
    return tuple(found)


def _option(name: str, words: str) -> Parameter:
    kind = Annotated[str | None, typer.Option(help=f"{words}, such as 5s.")]
    return Parameter(name.replace("-", "_"), Parameter.KEYWORD_ONLY, default=None, annotation=kind)


# Typer makes its options from the signature: one for each mitigation that there is.
_given = signature(mitigate, eval_str=True)
mitigate.__signature__ = _given.replace(  # type: ignore[attr-defined]
    parameters=[
        *(each for each in _given.parameters.values() if each.kind is not Parameter.VAR_KEYWORD),
        *(_option(name, words) for name, words in MITIGATIONS.items()),
    ]
)
