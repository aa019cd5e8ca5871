"""A real process and its signals: the first is for an orderly end, the second leaves at once, ignored ones stay so."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

PROGRAM = """
import os, sys, time
from harness.cli.signals import first_and_second, write_unbuffered

def first(number):
    print("first", number.name, flush=True)

def second(number):
    write_unbuffered([f"second {number.name}", "  kubectl delete namespace a"])
    os._exit(7)

with first_and_second(first, second):
    print("up", flush=True)
    for line in sys.stdin:  # as a call that waits: neither signal ends it by itself
        print("got", line.strip(), flush=True)
"""


@pytest.fixture
def program() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*prefix: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [*prefix, sys.executable, "-c", PROGRAM]
        started.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        assert said(started[-1]) == "up"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=200)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def answers(process: subprocess.Popen[str], line: str) -> str:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return said(process)


@pytest.mark.parametrize("one", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("two", ["SIGINT", "SIGTERM"])
def test_the_first_is_taken_in_order_and_the_second_leaves_at_once(
    program: Callable[..., subprocess.Popen[str]], one: str, two: str
) -> None:
    process = program()
    process.send_signal(signal.Signals[one])
    assert said(process) == f"first {one}"
    assert answers(process, "more") == "got more"
    process.send_signal(signal.Signals[two])
    _, stderr = process.communicate(timeout=200)
    assert process.returncode == 7
    assert stderr.splitlines() == [f"second {two}", "  kubectl delete namespace a"]


def test_a_hang_up_that_is_told_twice_is_one(program: Callable[..., subprocess.Popen[str]]) -> None:
    process = program()
    process.send_signal(signal.SIGHUP)
    assert said(process) == "first SIGHUP"
    process.send_signal(signal.SIGHUP)
    assert answers(process, "still here") == "got still here"


def test_what_is_ignored_stays_ignored(program: Callable[..., subprocess.Popen[str]]) -> None:
    process = program("nohup")
    process.send_signal(signal.SIGHUP)
    assert answers(process, "still here") == "got still here"


def test_last_words_do_not_wait_for_who_does_not_read() -> None:
    script = "from harness.cli.signals import write_unbuffered; write_unbuffered(['x' * 100])"
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    try:
        done = subprocess.run([sys.executable, "-c", script], stderr=writer, timeout=200, check=False)
    finally:
        os.close(writer)
        os.close(reader)
    assert done.returncode == 0


def test_an_interrupt_while_the_program_is_loaded_ends_it_without_a_word() -> None:
    script = (
        "import os, signal, sys\n"
        "class AsItIsImported:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'harness.cli.app':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, AsItIsImported())\n"
        "from harness.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
