"""The worked examples in the docstrings are right, and the room is cheap to enter."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import harness.analysis

MODULES = [module.name for module in pkgutil.walk_packages(harness.analysis.__path__, "harness.analysis.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    assert sum(doctest.testmod(importlib.import_module(name)).attempted for name in MODULES) > 10


def test_entering_the_room_imports_nothing_heavy() -> None:
    heavy = "{'polars', 'numpy', 'scipy'}"
    code = f"import sys, harness.analysis; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
