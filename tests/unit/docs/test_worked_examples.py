"""Every worked example in a docstring of the project is right."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

HERE = Path(__file__).parents[3]
MODULES = sorted(
    ".".join(file.relative_to(HERE).with_suffix("").parts)
    for room in ("harness", "scripts")
    for file in (HERE / room).rglob("*.py")
    if ">>> " in file.read_text()
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
