"""`rollout-harness mitigate`: manifests with mitigations applied, comments kept."""

from __future__ import annotations

from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import UsageError
from harness.model.mitigations import MITIGATIONS


def mitigate(
    manifest: Annotated[
        Path, typer.Argument(help="A YAML file with the workload; other objects in it stay as they are.")
    ],
    **values: str | None,
) -> None:
    """Print the manifests with the mitigations applied to every Deployment and StatefulSet in them."""
    from pydantic import ValidationError

    from harness.manifests.mitigations import mitigated
    from harness.manifests.read import manifests_yaml, read_manifests
    from harness.model.experiment import Mitigation
    from harness.spec.workload import WORKLOAD_KINDS

    asked = {name: value for name in MITIGATIONS if (value := values[name.replace("-", "_")]) is not None}
    try:
        mitigations = [Mitigation.model_validate({name: value}) for name, value in asked.items()]
    except ValidationError as error:
        raise UsageError("reading the mitigations", error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    changed = [
        mitigated(each, mitigations) if each["kind"] in WORKLOAD_KINDS else each for each in read_manifests([manifest])
    ]
    typer.echo(manifests_yaml(changed), nl=False)


def _option(name: str, words: str) -> Parameter:
    kind = Annotated[str | None, typer.Option(help=f"{words}, such as 5s.")]
    return Parameter(name.replace("-", "_"), Parameter.KEYWORD_ONLY, default=None, annotation=kind)


# Typer makes its options from the signature: one for each mitigation that there is.
_given = signature(mitigate, eval_str=True)
mitigate.__signature__ = _given.replace(  # type: ignore[attr-defined]
    parameters=[_given.parameters["manifest"], *(_option(name, words) for name, words in MITIGATIONS.items())]
)
