"""A command has no terminal and no input, is killed with all of its children, and says all that it said."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from harness.disruptions import processes
from harness.disruptions.processes import run_command
from harness.errors import UsageError

pytestmark = pytest.mark.anyio

LONG = "600"


async def run(script: str, *, timeout_s: float = 60.0, hear: Callable[[str], None] = lambda _: None) -> int | None:
    return await run_command(
        ("sh", "-c", script), folder=Path(), environment={"GREETING": "hello"}, timeout_s=timeout_s, hear=hear
    )


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def test_both_outputs_come_line_by_line_and_what_ends_without_a_line_end_too() -> None:
    lines: list[str] = []
    assert await run('echo "$GREETING"; echo two >&2; printf "Proceed? [y/N] "', hear=lines.append) == 0
    assert lines == ["hello", "two", "Proceed? [y/N] "]


async def test_the_exit_status_is_told_and_that_of_a_signal_is_negative() -> None:
    assert await run("exit 7") == 7
    assert await run("kill -KILL $$") == -signal.SIGKILL


async def test_who_asks_gets_the_end_of_the_input_and_no_terminal() -> None:
    lines: list[str] = []
    script = "read answer || echo no answer; (: < /dev/tty) 2> /dev/null || echo no terminal"
    assert await run(script, hear=lines.append) == 0
    assert lines == ["no answer", "no terminal"]


@pytest.mark.skipif(sys.platform != "linux", reason="who left the session is found by /proc")
async def test_what_hangs_is_killed_with_its_children_also_those_that_left_its_session() -> None:
    pids: list[int] = []
    gone = f"setsid sh -c 'echo $$; exec sleep {LONG}' & sh -c 'echo $$; exec sleep {LONG}' & echo $$; wait"
    told = anyio.Event()

    def hear(line: str) -> None:
        pids.append(int(line))
        if len(pids) == 3:
            told.set()

    async with anyio.create_task_group() as tasks:

        async def command() -> None:
            await run(gone, hear=hear)

        tasks.start_soon(command)
        with anyio.fail_after(30):
            await told.wait()
        assert all(map(is_running, pids))
        tasks.cancel_scope.cancel()
    assert not any(map(is_running, pids))


async def test_when_its_time_is_over_it_is_killed_also_if_it_does_not_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_MERCY_S", 0.2)
    lines: list[str] = []
    script = f"trap '' TERM; echo $$; while :; do sleep {LONG}; done"
    assert await run(script, timeout_s=1.0, hear=lines.append) is None
    assert not is_running(int(lines[0]))


async def test_who_keeps_its_output_open_does_not_keep_the_run_waiting() -> None:
    lines: list[str] = []
    with anyio.fail_after(20):
        assert await run(f"sleep {LONG} & echo $!", hear=lines.append) == 0
    assert not is_running(int(lines[0]))


async def test_a_line_without_end_is_told_in_parts() -> None:
    lines: list[str] = []
    assert await run("head -c 20000 /dev/zero | tr '\\0' x", hear=lines.append) == 0
    assert sum(map(len, lines)) == 20000
    assert max(map(len, lines)) <= 8192


async def test_what_cannot_be_started_is_said(tmp_path: Path) -> None:
    program = tmp_path / "deploy"
    program.write_text("no program")
    os.chmod(program, 0o644)  # noqa: PTH101
    with pytest.raises(UsageError, match="permission denied"):
        await run_command((str(program),), folder=tmp_path, environment={}, timeout_s=5, hear=print)
