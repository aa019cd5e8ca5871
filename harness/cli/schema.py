"""`rollout-harness schema`: the JSON Schema of the experiment file."""

import json

import typer

from harness.model.experiment import Experiment


def schema() -> None:
    """Print the JSON Schema of the experiment file, for editors and CI."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Experiment.model_json_schema(by_alias=True)
    typer.echo(json.dumps(document, indent=2))
