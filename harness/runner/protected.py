"""The name of a context -> refused where it looks like one that must not be touched."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from harness.errors import UsageError

_IN_A_FILE = "say in the experiment which contexts may not, such as `protected_contexts: []`"


def check_context(context: str, protected: Iterable[str], *, lifted_by: str = _IN_A_FILE) -> None:
    """Refuse a context that one of the patterns means, whatever its case.

    `lifted_by`: what to do where it is meant all the same.

    Raises:
        UsageError: names the pattern, and what to do where it is meant all the same.
    """
    for pattern in protected:
        if fnmatchcase(context.lower(), pattern.lower()):
            raise UsageError(
                f"looking at context {context}",
                f"it is protected: protected_contexts has {pattern!r}",
                f"Nothing was changed. Where it may be loaded and rolled all the same, {lifted_by}.",
            )
