"""A budget as a record of the experiment file, of `--budget` and of the pytest fixture."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from harness.inputs.shown import shown
from harness.model.budget import LIMITS
from harness.model.record import Duration, LongDuration, Record


def _ratio(value: object) -> object:
    if isinstance(value, str):
        number, percent = value.removesuffix("%").strip(), value.endswith("%")
        try:
            return float(number) / 100 if percent else float(number)
        except ValueError:
            raise ValueError(f"{shown(value)} is no share such as 0.1% or 0.001") from None
    return value


Ratio = Annotated[float, BeforeValidator(_ratio), Field(ge=0, le=1)]
"""A share, written 0.1% or 0.001."""


class Budget(Record):
    """What the rollouts may cost, beside the verdict: more than that is exit code 1, what cannot be measured is 3."""

    failed: int | None = Field(None, ge=0, description=LIMITS["failed"])
    failed_ratio: Ratio | None = Field(None, description=LIMITS["failed_ratio"])
    outage_s: Duration | None = Field(None, alias="outage", description=LIMITS["outage"])
    p99_during_s: LongDuration | None = Field(None, alias="p99_during", description=LIMITS["p99_during"])
    rollout_s: LongDuration | None = Field(None, alias="rollout", description=LIMITS["rollout"])

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.limits:
            raise ValueError(f"name at least one of {', '.join(LIMITS)}")
        return self

    @property
    def limits(self) -> dict[str, float]:
        """Those that are set, by name; times in seconds."""
        set_ = {field.removesuffix("_s"): getattr(self, field) for field in self.model_fields_set}
        return {name: float(set_[name]) for name in LIMITS if set_.get(name) is not None}
