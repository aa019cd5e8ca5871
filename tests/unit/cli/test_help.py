"""`--help` is quick because it imports nothing heavy, and every command says what it does."""

import os
import subprocess
import sys

import pytest
import typer.main
from program import called, told

import harness
from harness.cli.app import app
from harness.cli.examples import EXAMPLES

HEAVY = ("kubernetes", "polars", "scipy", "numpy", "aiohttp", "altair", "testcontainers", "httpx", "asyncio")


def test_no_help_imports_anything_heavy() -> None:
    script = (
        "import sys\n"
        "from harness.cli.app import app, arranged\n"
        "for words in ([], *[[command.name] for command in app.registered_commands]):\n"
        "    try:\n        arranged([*words, '--help'])\n"
        "    except BaseException as end:\n        assert not getattr(end, 'code', getattr(end, 'exit_code', 1)), end\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=200)
    assert done.stdout.splitlines()[-1] == "[]"
    assert done.stdout.count("Usage: rollout-harness") == len(app.registered_commands) + 1


@pytest.mark.parametrize("columns", ["0", "19", "many"])
def test_a_terminal_of_hardly_any_width_is_shown_the_help_all_the_same(columns: str) -> None:
    said = told("--help", env={"COLUMNS": columns})
    assert (said.code, "Usage:" in said.out, "rollout-harness" in said.out) == (0, True, True)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_examples_of_a_help_are_of_commands_and_options_that_there_are(name: str) -> None:
    for line in EXAMPLES[name]:
        words = line.partition(" -- ")[0].split()
        command = typer.main.get_command(app)
        while words and hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("-") and word != "-"} <= known, line
        assert len(f" $ rollout-harness {line}") <= 80


def test_every_command_has_examples() -> None:
    assert set(EXAMPLES) == set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_a_shell_is_told_what_may_come_next() -> None:
    script = (
        'rollout-harness() { "$PYTHON" -m harness "$@"; }\n'
        'eval "$(rollout-harness --show-completion)"\n'
        "complete -p rollout-harness\n"
    )
    shown = subprocess.run(
        ["bash", "-c", script],
        env=os.environ | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    assert "-F _rollout_harness_completion rollout-harness" in shown.stdout
    typed = {"COMP_WORDS": "rollout-harness compare --on p", "COMP_CWORD": "3"}
    done = subprocess.run(
        [sys.executable, "-m", "harness"],
        env=os.environ | typed | {"_ROLLOUT_HARNESS_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert (done.stdout.split(), done.returncode) == (["p99"], 0)


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
        [sys.executable, "-m", "harness", "--version"], capture_output=True, text=True, check=True, timeout=200
    )
    assert done.stdout == f"rollout-harness {harness.__version__}\n"
