"""`rollout-harness schema`: the JSON Schema of the experiment file."""

import json

import typer


def schema() -> None:
    """Print the JSON Schema of the experiment file, for editors and CI."""
    from harness.model.experiment import Experiment  # its models take a quarter of a second to make

    document = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Experiment.model_json_schema(by_alias=True)
    typer.echo(json.dumps(document, indent=2))
