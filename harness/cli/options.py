"""Options that several commands take, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.model.budget import LIMITS
from harness.model.providers import choices

Cluster = Annotated[
    str | None,
    typer.Option(help=f"{choices()}; default: what the experiment says. k3s has not been tried on a real one."),
]
Truth = Annotated[
    Path | None,
    typer.Option(hidden=True, help="Folder for what the sandbox's kernel saw (truth.jsonl); no verdict uses it."),
]
Budgets = Annotated[
    list[str] | None,
    typer.Option("--budget", metavar="NAME=LIMIT", help=f"A limit on what rollouts may cost: {', '.join(LIMITS)}."),
]
WorkerImage = Annotated[
    str | None,
    typer.Option(
        help="Image of the load worker's Pod, on clusters that the harness does not create: any with Python >= 3.11. "
        "Default: python:3.13-slim."
    ),
]
