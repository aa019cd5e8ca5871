"""`rollout-harness mitigate`: manifests with mitigations applied, everything else as it is written."""

from __future__ import annotations

from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.ending import tell
from harness.errors import ManifestError, UsageError
from harness.model.mitigations import MITIGATIONS, contradiction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.manifests.read import Manifest
    from harness.model.experiment import Mitigation


def mitigate(
    manifest: Annotated[
        Path, typer.Argument(help="A YAML file with the workload, `-`: standard input; other objects in it stay.")
    ],
    **values: str | None,
) -> None:
    """Print the manifests with the mitigations applied to every Deployment and StatefulSet in them.

    Nothing is weakened: what is longer already stays, and a hook that does something goes on doing it. What was left as
    it was is said on standard error.
    """
    from harness.manifests.rewrite import rewritten

    asked = {name: value for name in MITIGATIONS if (value := values[name.replace("-", "_")]) is not None}
    mitigations = _mitigations(asked)
    text = _text(manifest)
    change = _Change(mitigations)
    changed = rewritten(text, change, tried=f"reading {manifest}")
    for line in change.said():
        tell(line, error=True)
    typer.echo(changed, nl=False)


def _text(manifest: Path) -> str:
    from harness.inputs.files import STANDARD_INPUT, file_text, standard_input_text

    if str(manifest) == STANDARD_INPUT:
        return standard_input_text(what="manifests", error=ManifestError, hint="Pipe: helm template ... | ...")
    return file_text(manifest, error=ManifestError)


def _mitigations(asked: dict[str, str]) -> tuple[Mitigation, ...]:
    from pydantic import ValidationError

    from harness.model.experiment import Mitigation

    found = []
    for name, value in asked.items():
        try:
            found.append(Mitigation.model_validate({name: value}))
        except ValidationError as error:
            seen = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise UsageError(f"reading --{name}", seen, f"Such as --{name} 5s.") from None
    if wrong := contradiction([(mitigation.name, mitigation.value_s) for mitigation in found]):
        raise UsageError(f"reading {' '.join(f'--{name} {value}' for name, value in asked.items())}", wrong)
    return tuple(found)


class _Change:
    """Mitigates one object after the other, and keeps what is to be said of them."""

    def __init__(self, mitigations: Sequence[Mitigation]) -> None:
        self._mitigations = mitigations
        self._workloads = 0
        self._left_alone: list[str] = []
        self._unknown: list[str] = []

    def __call__(self, manifest: Manifest) -> Manifest:
        from harness.manifests.mitigations import mitigated
        from harness.spec.workload import WORKLOAD_KINDS, is_foreign, pod_spec

        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        if manifest["kind"] not in WORKLOAD_KINDS:
            if is_foreign(manifest):
                self._unknown.append(name)
            return manifest
        if not pod_spec(manifest).get("containers"):
            raise ManifestError(
                f"mitigating {name}", "it has no spec.template.spec.containers", "Kubernetes would refuse it."
            )
        self._workloads += 1
        done = mitigated(manifest, self._mitigations)
        self._left_alone += [f"{name}: {words}" for words in done.left_alone]
        return done.workload

    def said(self) -> list[str]:
        """The lines for standard error."""
        known = "only Deployments and StatefulSets are changed"
        lines = list(self._left_alone)
        if self._unknown:
            lines.append(f"left as they are, for {known}: {', '.join(self._unknown)}")
        elif not self._workloads:
            lines.append(f"nothing was changed: there is no workload in it, and {known}")
        return lines


def _option(name: str, words: str) -> Parameter:
    kind = Annotated[str | None, typer.Option(help=f"{words}, such as 5s.")]
    return Parameter(name.replace("-", "_"), Parameter.KEYWORD_ONLY, default=None, annotation=kind)


# Typer makes its options from the signature: one for each mitigation that there is.
_given = signature(mitigate, eval_str=True)
mitigate.__signature__ = _given.replace(  # type: ignore[attr-defined]
    parameters=[_given.parameters["manifest"], *(_option(name, words) for name, words in MITIGATIONS.items())]
)
