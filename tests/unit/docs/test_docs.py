"""What the documentation shows is held to what there is: commands, options, experiments, files, exit codes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main
from ruamel.yaml import YAML

from harness.cli.app import app
from harness.model.experiment import Experiment

ROOT = Path(__file__).parents[3]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
COMMAND = typer.main.get_command(app)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def command_lines() -> list[tuple[str, str]]:
    lines = [(page.name, line) for page in PAGES for block in blocks(page, "console") for line in block.splitlines()]
    return [(name, line) for name, line in lines if "rollout-harness" in line.split() and line.startswith("$")]


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_a_command_that_is_shown_exists_with_its_options(page: str, line: str) -> None:
    words = shlex.split(line.removeprefix("$ "), comments=True)
    words = words[words.index("rollout-harness") + 1 :]
    command = COMMAND
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, f"{page}: {line}"
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    shown = words[: words.index("--")] if "--" in words else words
    assert {word for word in shown if word.startswith("-") and word != "-"} <= known, f"{page}: {line}"


def test_there_are_commands_to_check() -> None:
    assert len(command_lines()) >= 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_an_experiment_that_is_shown_is_one(page: Path) -> None:
    for block in blocks(page, "yaml"):
        if "version: 1" in block:
            Experiment.model_validate(YAML(typ="safe", pure=True).load(block))


def test_every_command_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in COMMAND.commands:
        assert f"rollout-harness {name}" in readme or f"make {name}" in readme, name


def test_the_rooms_of_the_architecture_are_those_of_the_package() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    rooms = {path.name for path in (ROOT / "harness").iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    named = {name for name in rooms if f"`{name}/`" in architecture}
    assert named == rooms


def test_every_key_of_an_experiment_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    keys = [field.alias or name for name, field in Experiment.model_fields.items()]
    assert [key for key in keys if not re.search(rf"^{key}:|`{key}`", text, flags=re.MULTILINE)] == []
