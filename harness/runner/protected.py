"""The name of a context -> refused where it looks like one that must not be touched."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from harness.errors import UsageError


def check_context(context: str, protected: Iterable[str]) -> None:
    """Refuse a context that one of the patterns means, whatever its case.

    Raises:
        UsageError: names the pattern, and what to do where it is meant all the same.
    """
    for pattern in protected:
        if fnmatchcase(context.lower(), pattern.lower()):
            raise UsageError(
                f"looking at context {context}",
                f"it is protected: protected_contexts has {pattern!r}",
                "Nothing was changed. Where it may be loaded and rolled all the same, say in the experiment which "
                "contexts may not, such as `protected_contexts: []`.",
            )
