"""What an experiment file is made of: frozen records that refuse unknown keys, durations, paths, names."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from harness.inputs.shown import shown
from harness.model.duration import duration, seconds


def _duration(value: object) -> object:
    if isinstance(value, str):
        return seconds(value)
    if value is None:
        seen = "it is null (empty)"
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        seen = f"{shown(value)} has no unit"
    else:
        seen = f"{shown(value)} is no duration"
    raise ValueError(f"{seen}; write a duration such as 500ms, 5s or 1m30s")


def _above_zero(value_s: float) -> float:
    if value_s <= 0:
        raise ValueError("it must be greater than 0, such as 500ms, 5s or 1m30s")
    return value_s


def _path(value: object) -> object:
    if isinstance(value, str) and not (value and value.isprintable()):
        raise ValueError(f"{shown(value)} is not a path: it is empty, or has a NUL or another control character")
    return value


Duration = Annotated[
    float,
    BeforeValidator(_duration),
    PlainSerializer(duration, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?(ms|s|m|h))+$", "examples": ["500ms", "5s", "1m30s"]}),
]
LongDuration = Annotated[Duration, AfterValidator(_above_zero)]
FilePath = Annotated[Path, BeforeValidator(_path), Field(strict=False)]
Rate = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False, description="requests per second")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$")]
"""What objects and folders are named after, which add to it."""
Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
"""Kubernetes' own form: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names."""
Image = Annotated[str, Field(min_length=1, pattern=r"^\S+$")]


class Record(BaseModel):
    """Frozen, and strict about keys and types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Choice(Record):
    """Exactly one of its fields is given, and names what is meant; the others are absent or null."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self._given) != 1:
            *names, last = (field.alias or name for name, field in type(self).model_fields.items())
            known = f"{', '.join(names)} or {last}" if names else last
            raise ValueError(f"name exactly one of {known}, not {len(self._given)}")
        return self

    @property
    def _given(self) -> tuple[str, ...]:
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def name(self) -> str:
        """What is meant, as it is written."""
        return type(self).model_fields[self._given[0]].alias or self._given[0]

    @property
    def setting(self) -> Any:
        """What is said of it."""
        return getattr(self, self._given[0])
