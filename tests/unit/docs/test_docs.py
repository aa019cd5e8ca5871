"""What README and architecture list is all that there is: commands, rooms."""

from __future__ import annotations

from pathlib import Path

import typer.main

from harness.cli.app import app

ROOT = Path(__file__).parents[3]
COMMAND = typer.main.get_command(app)


def test_every_command_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in COMMAND.commands:
        assert f"rollout-harness {name}" in readme or f"make {name}" in readme, name


def test_the_rooms_of_the_architecture_are_those_of_the_package() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    rooms = {path.name for path in (ROOT / "harness").iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    named = {name for name in rooms if f"`{name}/`" in architecture}
    assert named == rooms
