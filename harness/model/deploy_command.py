"""`disruption: {command: ...}` of the experiment file as a record: the user's own deploy command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from harness.model.record import FilePath, LongDuration, Record

Words = Annotated[tuple[str, ...], Field(min_length=1, strict=False)]


class DeployCommand(Record):
    """A command that rolls the application as its team does; it gets no terminal and nothing on standard input.

    In each word `{namespace}`, `{target}` and `{rollout}` (from 1) stand for what they say; KUBECONFIG leads to the
    cluster of the run and its namespace.
    """

    run: Words = Field(description="the program and its arguments; no shell reads them")
    timeout_s: LongDuration = Field(300.0, alias="timeout", description="it is killed with its children after that")
    rolls_within_s: LongDuration = Field(
        15.0,
        alias="rolls_within",
        description="how long after its end the target's pod template may still change, for what only tells others to",
    )
    folder: FilePath = Field(Path(), description="where it runs; relative to the experiment file, whose folder it is")


def deploy_command(said: tuple[str, ...] | DeployCommand) -> DeployCommand:
    """The record, where only the words are given."""
    return said if isinstance(said, DeployCommand) else DeployCommand(run=said)
