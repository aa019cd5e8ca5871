"""`rollout-harness mitigate`: manifests with mitigations applied, comments kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.errors import UsageError


def mitigate(
    manifest: Annotated[
        Path, typer.Argument(help="A YAML file with the workload; other objects in it stay as they are.")
    ],
    prestop: Annotated[str | None, typer.Option(help="preStop: sleep, such as 5s (Kubernetes >= 1.29).")] = None,
    prestop_exec: Annotated[str | None, typer.Option(help="preStop: exec sleep, such as 5s.")] = None,
    min_ready: Annotated[str | None, typer.Option(help="minReadySeconds, such as 5s.")] = None,
    grace: Annotated[str | None, typer.Option(help="terminationGracePeriodSeconds, such as 40s.")] = None,
) -> None:
    """Print the manifests with the mitigations applied to every Deployment and StatefulSet in them."""
    from pydantic import ValidationError

    from harness.manifests.mitigations import mitigated
    from harness.manifests.read import manifests_yaml, read_manifests
    from harness.model.experiment import Mitigation
    from harness.spec.workload import WORKLOAD_KINDS

    asked = {"prestop": prestop, "prestop-exec": prestop_exec, "min-ready": min_ready, "grace": grace}
    try:
        mitigations = [Mitigation.model_validate({name: value}) for name, value in asked.items() if value is not None]
    except ValidationError as error:
        raise UsageError("reading the mitigations", error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    changed = [
        mitigated(each, mitigations) if each["kind"] in WORKLOAD_KINDS else each for each in read_manifests([manifest])
    ]
    typer.echo(manifests_yaml(changed), nl=False)
