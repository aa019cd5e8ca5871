"""`--help` is quick because it imports nothing heavy, and every command says what it does."""

import subprocess
import sys

import pytest
from program import called

import harness
from harness.cli.app import app

HEAVY = ("kubernetes", "polars", "scipy", "aiohttp", "altair", "testcontainers", "httpx")


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from harness.cli import main\n"
        "sys.argv = ['rollout-harness', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "name", ["run", "demo", "report", "explain", "compare", "doctor", "mitigate", "clean", "schema", "sandbox", "trace"]
)
def test_every_command_is_there_and_says_what_it_does(name: str) -> None:
    said = called(name, "--help")
    assert said.code == 0
    assert "Usage:" in said.out
    assert {command.name for command in app.registered_commands} >= {name} - {"sandbox", "trace"}


def test_the_version_is_printed_without_any_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == f"rollout-harness {harness.__version__}\n"
