"""A load worker that is a child process: it gets its plan, its lines come whole, and it is gone when the block is left.

The workers here are small shell scripts.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import anyio
import pytest

from harness.clusters import process as room
from harness.clusters.process import WORKER_COMMAND, ProcessWorker, process_worker
from harness.errors import LoadError

pytestmark = pytest.mark.anyio


def shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


async def all_lines(worker: ProcessWorker) -> list[bytes]:
    with anyio.fail_after(20):
        return [line async for line in worker.lines()]


async def first_line(worker: ProcessWorker) -> bytes:
    with anyio.fail_after(20):
        async for line in worker.lines():
            return line
    raise AssertionError("it printed nothing")


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_worker_gets_its_plan_as_one_line() -> None:
    async with process_worker(shell('read -r plan; echo "got $plan"'), '{"worker": 3}') as worker:
        assert await all_lines(worker) == [b'got {"worker": 3}']


async def test_lines_that_come_in_pieces_are_given_whole() -> None:
    script = "read -r plan; printf 'one\\ntw'; read -r rest; printf 'o\\n\\nthree\\n'"
    async with process_worker(shell(script), "{}") as worker:
        seen: list[bytes] = []
        with anyio.fail_after(20):
            async for line in worker.lines():
                seen.append(line)
                if line == b"one":
                    await worker.stop()
        assert seen == [b"one", b"two", b"", b"three"]


async def test_a_torn_last_line_is_left_out() -> None:
    async with process_worker(shell("read -r plan; printf 'one\\ntw'"), "{}") as worker:
        assert await all_lines(worker) == [b"one"]


async def test_stopping_closes_its_stdin_so_that_it_can_end_by_itself() -> None:
    script = "read -r plan; echo up; while read -r more; do :; done; echo drained"
    async with process_worker(shell(script), "{}") as worker:
        seen: list[bytes] = []
        with anyio.fail_after(20):
            async for line in worker.lines():
                seen.append(line)
                await worker.stop()  # twice is as good as once
        assert seen == [b"up", b"drained"]


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo first >&2; echo 'the plan is wrong' >&2; exit 2", "the load worker ended with 2 (the plan is wrong)"),
        ("exit 3", "the load worker ended with 3"),
        ("kill -9 $$", "the load worker ended with -9"),
    ],
    ids=["with words", "without a word", "killed"],
)
async def test_a_worker_that_ends_with_an_error_is_told_with_its_last_word(script: str, says: str) -> None:
    async with process_worker(shell(f"read -r plan; echo row; {script}"), "{}") as worker:
        lines = worker.lines()
        assert await anext(lines) == b"row"
        with pytest.raises(LoadError) as failed:
            await anext(lines)
    assert str(failed.value) == f"running a load worker: {says}"


async def test_a_worker_that_ends_before_it_reads_its_plan_is_told_with_its_last_word() -> None:
    plan = "x" * 1_000_000  # more than a pipe holds: it cannot be sent unless it is read
    async with process_worker(shell("exec <&-; echo 'no module harness' >&2; exit 1"), plan) as worker:
        with pytest.raises(LoadError) as failed:
            await all_lines(worker)
    assert str(failed.value) == "running a load worker: the load worker ended with 1 (no module harness)"


async def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(LoadError, match=r"starting a load worker: .*no-such-program"):
        async with process_worker(("no-such-program",), "{}"):
            pass


async def test_a_worker_that_still_runs_is_told_to_end_when_the_block_is_left(tmp_path: Path) -> None:
    told = f"trap 'echo told > {tmp_path}/told; exit' TERM"
    async with process_worker(shell(f"{told}; read -r plan; echo $$; while :; do :; done"), "{}") as worker:
        pid = int(await first_line(worker))
        assert runs(pid)
    assert (tmp_path / "told").exists()
    assert not runs(pid)


async def test_one_that_will_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_END_TIMEOUT_S", 0.05)  # it never ends: no time would be enough
    async with process_worker(shell("trap '' TERM; read -r plan; echo $$; exec sleep 600"), "{}") as worker:
        pid = int(await first_line(worker))
    assert not runs(pid)


async def test_a_worker_is_gone_too_when_the_block_is_cancelled() -> None:
    pid = 0
    with anyio.CancelScope() as scope:
        async with process_worker(shell("read -r plan; echo $$; exec sleep 600"), "{}") as worker:
            pid = int(await first_line(worker))
            scope.cancel()
            await anyio.sleep_forever()
    assert pid
    assert not runs(pid)


@pytest.mark.parametrize("name", ["harness/__init__.py", "json.py"])
def test_what_lies_in_the_working_directory_is_none_of_the_workers_modules(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("raise SystemExit('somebody else')\n")
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(WORKER_COMMAND, input="{}\n", capture_output=True, text=True, timeout=60, check=False)
    assert "reading the plan of a load worker" in done.stderr
