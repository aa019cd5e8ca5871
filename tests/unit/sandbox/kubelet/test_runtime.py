"""A container is started once its program has a root of its own: whatever enters it takes that."""

from __future__ import annotations

import os
import subprocess
import sys
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


async def test_the_program_is_awaited_until_it_has_changed_its_root(tmp_path: Path) -> None:
    command = [*AS_ROOT, sys.executable, "-c", LATE, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdin is not None and program.stdout is not None
        assert program.stdout.readline() == "started\n"
        with anyio.move_on_after(0.1) as waiting:
            await at_home(program.pid)
        assert waiting.cancelled_caught
        program.stdin.write("go on\n")
        program.stdin.flush()
        with anyio.fail_after(60):
            await at_home(program.pid)
        assert os.path.samestat(Path(f"/proc/{program.pid}/root").stat(), tmp_path.stat())
        program.stdin.write("end\n")
    with anyio.fail_after(60):
        await at_home(program.pid)
