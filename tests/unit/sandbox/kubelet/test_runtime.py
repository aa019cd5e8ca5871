"""A container is started once its program has a root of its own: whatever enters it takes that."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from harness.sandbox.kubelet.runtime import at_home

pytestmark = pytest.mark.anyio

LATE = """
import os, sys
print("started", flush=True)
sys.stdin.readline()
os.chroot(sys.argv[1])
sys.stdin.readline()
"""
# An ordinary user may change the root in a user namespace of its own.
AS_ROOT = () if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Changes its root at the first line it reads, and ends at the second."""
    command = [*AS_ROOT, sys.executable, "-c", LATE, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        yield started


def say(program: subprocess.Popen[str], line: str) -> None:
    assert program.stdin is not None
    program.stdin.write(f"{line}\n")
    program.stdin.flush()


async def test_the_program_is_awaited_until_it_has_changed_its_root(program: subprocess.Popen[str]) -> None:
    assert program.stdout is not None
    assert program.stdout.readline() == "started\n"
    with anyio.move_on_after(0.1) as waiting:
        await at_home(program.pid)
    assert waiting.cancelled_caught
    say(program, "go on")
    with anyio.fail_after(60):
        await at_home(program.pid)
    assert program.poll() is None
    say(program, "end")


async def test_of_one_that_has_ended_nothing_is_awaited(program: subprocess.Popen[str]) -> None:
    program.kill()
    with anyio.fail_after(60):
        await at_home(program.pid)
