"""A manifest -> why an API server would refuse it, in its words, without one: by the rules of the sandbox's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.inputs.shown import cut, printable
from harness.sandbox.apiserver.dry_run import refused_fields

_MOST_SHOWN, _MOST_CHARACTERS = 3, 400


def refused(manifest: Mapping[str, Any]) -> str:
    """Its first fields that are wrong, each with its path and what is wrong with it; empty where none is.

    >>> refused({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {}})
    'spec.ports: Required value'
    """
    lines = refused_fields(dict(manifest))
    more = f"; and {len(lines) - _MOST_SHOWN} more" if len(lines) > _MOST_SHOWN else ""
    return "; ".join(cut(printable(line), _MOST_CHARACTERS) for line in lines[:_MOST_SHOWN]) + more
