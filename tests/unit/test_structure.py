"""No function decides too much: cyclomatic complexity as radon counts it, and little of it in the analysis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from radon.complexity import cc_visit

HARNESS = Path(__file__).parents[2] / "harness"

MOST = 20
"""Above it, nobody reads a function in one go; radon's own grades call this "more complex", and then "unstable"."""

SIMPLE, SHARE_ABOVE = 10, 0.02


def blocks(source: str) -> Iterator[tuple[str, int]]:
    """(name, complexity) of every function and method, nested ones too."""
    for block in cc_visit(source):
        yield from _functions(block)


def _functions(block: object) -> Iterator[tuple[str, int]]:
    methods = getattr(block, "methods", None)
    if methods is None:
        yield block.fullname, block.complexity  # type: ignore[attr-defined]
    for inner in [*(methods or ()), *getattr(block, "closures", ())]:
        yield from _functions(inner)


def complexities(folder: Path) -> dict[str, int]:
    found = {}
    for file in sorted(folder.rglob("*.py")):
        for name, complexity in blocks(file.read_text()):
            found[f"{file.relative_to(HARNESS.parent)}:{name}"] = complexity
    return found


def test_no_function_of_the_harness_is_too_complex_to_be_read() -> None:
    found = complexities(HARNESS)
    assert len(found) > 1000
    assert {name: number for name, number in found.items() if number > MOST} == {}


def test_the_analysis_is_simple() -> None:
    found = complexities(HARNESS / "analysis")
    above = {name: number for name, number in found.items() if number > SIMPLE}
    assert len(above) < SHARE_ABOVE * len(found), above


@pytest.mark.parametrize(
    "shape", ["def {}(x):\n{}", "class A:\n  def {}(self, x):\n{}", "def outer():\n  def {}(x):\n{}"]
)
def test_a_function_above_the_bound_would_be_found(shape: str) -> None:
    source = shape.format("tangled", "    if x: pass\n" * MOST)
    assert max(number for _, number in blocks(source)) > MOST
