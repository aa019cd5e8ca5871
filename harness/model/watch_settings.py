"""`disruption: {watch: ...}` of the experiment file as a record: how long others are waited for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from harness.model.record import LongDuration, Record


class Watch(Record):
    """Nothing is done: the rollouts that others make meanwhile are judged."""

    for_s: LongDuration = Field(1800.0, alias="for", description="how long, if not enough rollouts come before")
    until_rollouts: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="how many are waited for; fewer are inconclusive"
    )
