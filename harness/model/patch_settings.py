"""`patches:` of a variant -> which objects among the manifests it has otherwise, and how."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from harness.model.record import Record


class ManifestPatch(Record):
    """A strategic merge patch of one object: null takes away, lists of named items merge by their names."""

    kind: str = Field(min_length=1, description="of the object, such as Deployment")
    name: str = Field(min_length=1, description="of the object")
    patch: dict[str, Any] = Field(description="a strategic merge patch, such as {spec: {minReadySeconds: null}}")
