"""A command line and its environment -> refused with the words of a container runtime where no kernel executes them.

Source: execve(2), "Limits on size of arguments and environment"; what runc and containerd say of its errors.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_STRING_BYTES = 32 * os.sysconf("SC_PAGE_SIZE")  # MAX_ARG_STRLEN, with the NUL at its end
_POINTER_BYTES = 8


def refusal(argv: tuple[str, ...], env: Iterable[tuple[str, str]]) -> str | None:
    """Why execve would refuse it; None where it would not.

    >>> refusal(("sh", "-c", "a" * 200_000), ())
    'exec: "sh": argument list too long'
    """
    strings = [*argv, *(f"{name}={value}" for name, value in env)]
    sizes = [len(text.encode(errors="surrogatepass")) + 1 for text in strings]
    if any("\0" in text for text in strings):
        return f'exec: "{argv[0]}": invalid argument'.replace("\0", "\\x00")
    if max(sizes) > _LONGEST_STRING_BYTES or sum(sizes) + _POINTER_BYTES * len(sizes) > os.sysconf("SC_ARG_MAX"):
        return f'exec: "{argv[0]}": argument list too long'
    return None
