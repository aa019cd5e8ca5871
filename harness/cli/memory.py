"""The limits on this process's memory -> a refusal in words, where what judges a run could not even be loaded.

Native libraries (BLAS, polars) end a process that cannot have memory, with codes of their own, one of which is 1.
"""

from __future__ import annotations

import resource

from harness.errors import SetupError

_NEEDED_BYTES = 2_000_000_000
"""Of address space, most of it never touched. Measured: with 0.7 GB polars aborts, with 1 GB it does not end."""


def check_memory(do: str = "") -> None:
    """Refuse to judge with less address space than that takes. `do`: what to do once there is enough.

    Raises:
        SetupError: says how much is needed, and how much there may be.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY and soft < _NEEDED_BYTES:
        raise SetupError(
            "judging runs",
            f"that needs {_NEEDED_BYTES // 10**6} MB of memory (address space), and this process may have "
            f"{soft // 10**6} MB",
            " ".join(filter(None, (f"Raise the limit: ulimit -v {_NEEDED_BYTES // 1000}.", do))),
        )
