"""The pictures and figures of docs/races.md are those of the recordings, as they are judged today."""

from __future__ import annotations

import pytest

from harness.model.result import ScenarioResult
from scripts.pictures import SHOWN, Shown, document, mark, result, tables, within
from tests.unit.docs.pages import DOCS, text


@pytest.fixture(scope="module")
def found() -> dict[str, ScenarioResult]:
    return {shown.name: result(shown) for shown in SHOWN}


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.name)
def test_a_picture_is_current(shown: Shown, found: dict[str, ScenarioResult]) -> None:
    kept = (DOCS / f"{shown.name}.svg").read_text(encoding="utf-8")
    assert mark(document(found[shown.name])) in kept, "make pictures, then look"
    assert kept.startswith("<svg ")
    assert "<script" not in kept


def test_the_figures_are_current(found: dict[str, ScenarioResult]) -> None:
    page = text(DOCS / "races.md")
    assert page == within(page, tables(found)), "make pictures, then look"


def test_another_picture_has_another_mark(found: dict[str, ScenarioResult]) -> None:
    marks = {mark(document(one)) for one in found.values()}
    assert len(marks) == len(SHOWN)
