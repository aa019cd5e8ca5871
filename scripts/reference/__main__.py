"""`python -m scripts.reference [FOLDER]`: writes the pages that are made of the code, by default into docs/."""

import sys
from pathlib import Path

from scripts.reference.command_line import command_line
from scripts.reference.experiment import experiment

PAGES = {"experiment.md": experiment, "command-line.md": command_line}


def write(folder: Path) -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "docs")
