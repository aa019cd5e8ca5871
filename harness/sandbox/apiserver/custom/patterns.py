"""The pattern of a schema -> it compiled, by the grammar that the real API reads it by, searched in bounded time."""

from __future__ import annotations

import functools
from typing import Any

import re2


@functools.cache
def pattern_of(text: str) -> Any:
    """The compiled pattern. Raises: ValueError, where it is none."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        why = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"error parsing regexp: {why}") from None
