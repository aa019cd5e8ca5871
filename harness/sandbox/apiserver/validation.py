"""An object with its defaults -> nothing, or a 422 that names every field that is wrong.

The checks that people meet when they write workloads and Services; texts as the real API's (kubernetes
`pkg/apis/*/validation`). Kinds without checks of their own get those of the metadata alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Object


def validate(resource: Resource, obj: Object, old: Object | None = None) -> None:
    """Raises: Refusal (422) with all causes."""
