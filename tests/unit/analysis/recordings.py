"""Recordings with the kernel's truth beside them -> their names, and whether a judgement of one of them is right."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness.analysis import judge
from harness.model.run import Run

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared"
SMALL = ROOT / "tests" / "recordings"


def program(file: Path) -> ModuleType:
    """A script of this repository as a module, though it is in no package."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # where its dataclasses look for themselves
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))  # as for a script that is run
    spec.loader.exec_module(module)
    return module


accuracy = program(ROOT / "scripts" / "accuracy.py")


def names(folder: Path) -> list[str]:
    """The recordings in a folder; none where it is not there."""
    return sorted(path.parent.name for path in folder.glob("*/truth.csv"))


def needs(found: list[str], folder: Path) -> pytest.MarkDecorator:
    """Skip, for a reason that CI allows, what takes recordings that are not part of the checkout."""
    where = f"recordings are not here: ../{folder.relative_to(ROOT.parent)} beside the checkout"
    return pytest.mark.skipif(not found, reason=where)


def check_judgement(folder: Path, run: Run, knowledge: str) -> None:
    """Judge with that much known, and hold verdict, causes, pods and lags against the truth."""
    expected = json.loads((folder.parent / "expected.json").read_text())[folder.name]
    scored = accuracy.score(judge(accuracy.KNOWLEDGE[knowledge](run)), folder, expected)
    assert scored.verdict_right, scored
    assert scored.rollouts_right == scored.rollouts == len(run.info.rollouts), scored
    assert scored.wrong <= 0.02 * scored.judged, scored
    assert scored.pods_wrong <= 0.02 * scored.failed, scored
    if knowledge == "all":
        assert scored.right >= 0.95 * scored.judged, scored
    assert scored.inside == scored.lags, scored
