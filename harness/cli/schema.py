"""`rollout-harness schema`: the JSON Schema of the experiment file, or of a result."""

import json
from enum import StrEnum
from typing import Annotated

import typer


class Kind(StrEnum):
    """What a schema is of."""

    EXPERIMENT = "experiment"
    RESULT = "result"


def schema(
    kind: Annotated[Kind, typer.Argument(help="Which schema to print.")] = Kind.EXPERIMENT,
) -> None:
    """Print the JSON Schema of the experiment file, for editors and CI, or of result.json."""
    if kind is Kind.RESULT:
        from harness.store.result_schema import result_schema

        typer.echo(json.dumps(result_schema(), indent=2))
        return
    from harness.model.experiment import Experiment  # its models take a quarter of a second to make

    document = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Experiment.model_json_schema(by_alias=True)
    typer.echo(json.dumps(document, indent=2))
