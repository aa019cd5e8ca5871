"""What no kernel executes, against this kernel itself."""

from __future__ import annotations

import os
import subprocess

import pytest

from harness.sandbox.kubelet.execution import refusal

LONGEST = 32 * os.sysconf("SC_PAGE_SIZE") - 1


def kernel_takes(argv: tuple[str, ...], env: tuple[tuple[str, str], ...]) -> bool:
    try:
        return subprocess.run(argv, env=dict(env), executable="/bin/true", check=False).returncode == 0
    except (OSError, ValueError):
        return False


@pytest.mark.parametrize(
    ("argv", "env"),
    [
        (("true",), ()),
        (("true", "x" * LONGEST), ()),
        (("true", "x" * (LONGEST + 1)), ()),
        (("true", "\0"), ()),
        (("true",), (("A", "x" * (LONGEST - 2)),)),
        (("true",), (("A", "x" * (LONGEST - 1)),)),
        (("true",), (("A", "\0"),)),
        (("true",), tuple((f"V{n}", "x" * 100_000) for n in range(10))),
        (("true",), tuple((f"V{n}", "x" * 100_000) for n in range(40))),
    ],
)
def test_what_is_refused_is_what_the_kernel_refuses(argv: tuple[str, ...], env: tuple[tuple[str, str], ...]) -> None:
    assert (refusal(argv, env) is None) == kernel_takes(argv, env)
