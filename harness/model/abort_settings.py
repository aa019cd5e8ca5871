"""`abort_if` of the experiment file as a record: from when on a run does more harm than it may."""

from __future__ import annotations

from pydantic import Field

from harness.model.budget_settings import Ratio
from harness.model.record import LongDuration, Record


class AbortIf(Record):
    """Of the requests that end, more than `failed_ratio` fail, for so long: then the run ends at once."""

    failed_ratio: Ratio = Field(gt=0, lt=1, description="the share of requests that may fail, such as 0.05 or 5%")
    for_s: LongDuration = Field(10.0, alias="for", le=600, description="for how long without a pause")
