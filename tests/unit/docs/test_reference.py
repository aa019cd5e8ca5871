"""The pages that are made of the code are what `make reference` makes today."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.experiment import Experiment
from scripts.reference.__main__ import PAGES
from tests.unit.docs.pages import DOCS


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_is_made_is_current(page: str) -> None:
    assert (DOCS / page).read_text(encoding="utf-8").splitlines() == PAGES[page]().splitlines(), "make reference"


def test_every_key_of_an_experiment_says_what_it_is() -> None:
    schema = Experiment.model_json_schema(by_alias=True)
    records = {"": schema, **schema["$defs"]}
    silent = [
        f"{name}.{key}"
        for name, record in records.items()
        for key, prop in record.get("properties", {}).items()
        if not prop.get("description") and not _is_a_record(prop)
    ]
    assert silent == []


def _is_a_record(prop: dict[str, Any]) -> bool:
    """What takes a record says what that says of itself."""
    return any("$ref" in one for one in prop.get("anyOf", [prop]))
