"""A plan and the limits of this process -> what the machine must grant, refused in words before anything starts."""

from __future__ import annotations

import resource

from harness.errors import SetupError

_OWN_FILES = 128
"""What the harness has open at most beside its workers: watches, calls, records, pipes of the sandbox."""


def check_open_files(needed: int) -> None:
    """Refuse a plan that needs more open files than this process may have; raises its soft limit as far as needed.

    `needed`: of the hungriest process, a load worker, which raises its own soft limit.

    Raises:
        SetupError: says how many are needed, and how many there may be.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(needed, _OWN_FILES)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SetupError(
            "planning the load",
            f"it needs up to {wanted} open files (descriptors) at once, and this process may have {hard}",
            f"Raise the limit: ulimit -n {wanted}, or lower the rates or time-outs of the load.",
        )
    if soft != resource.RLIM_INFINITY and soft < _OWN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_OWN_FILES, hard))
