"""docs/run-directory.md has every key, column, outcome and mark that the code writes, and none besides."""

from __future__ import annotations

import dataclasses
import re

import pytest

from harness.load.records import Statistics
from harness.model.bounds import USUAL
from harness.model.disruption_table import TABLE
from harness.model.observation import MarkType
from harness.model.request import COLUMNS, Outcome
from harness.model.result import ScenarioResult
from harness.model.run import RunInfo
from harness.store.results import FAILURE_COLUMNS, NOT_TOLD
from tests.unit.docs.pages import DOCS, text

PAGE = text(DOCS / "run-directory.md")


def section(heading: str) -> str:
    """What stands below a heading of the second level."""
    return re.split(r"^## ", PAGE.split(f"\n## {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(heading: str) -> list[str]:
    """What is in backticks in the first cells of the tables below a heading, in order."""
    rows = re.findall(r"^\| *(`.*?) *\|", section(heading), flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def quoted(passage: str) -> set[str]:
    """Each name in backticks; several of them may stand in one pair."""
    return {name.strip() for quote in re.findall(r"`([^`]+)`", passage) for name in re.split(r"[,{}\s]+", quote)}


def test_run_json_has_each_key_once() -> None:
    written = {"format", *(field.name for field in dataclasses.fields(RunInfo))}
    assert sorted(first_cells("run.json")) == sorted(written)


def test_requests_csv_has_its_columns_in_their_order() -> None:
    assert first_cells("requests.csv") == list(COLUMNS)


def test_every_outcome_is_named() -> None:
    (row,) = re.findall(r"^\| `outcome` \| (.*) \|$", PAGE, flags=re.MULTILINE)
    assert re.findall(r"`([^`]+)`", row) == [str(outcome) for outcome in Outcome]


def test_every_disruption_is_named() -> None:
    (row,) = re.findall(r"^\| `disruption` \| (.*) \|$", section("run.json"), flags=re.MULTILINE)
    assert quoted(row) == set(TABLE)


def test_every_mark_is_named() -> None:
    assert sorted(first_cells("timeline.jsonl")) == sorted(map(str, MarkType))


def test_a_line_of_workers_jsonl_has_what_is_said() -> None:
    assert quoted(section("workers.jsonl")) == {field.name for field in dataclasses.fields(Statistics)}


def test_failures_csv_has_its_columns() -> None:
    (listed,) = re.findall(r"`failures\.csv` has a row a failed request: `([^`]+)`", PAGE)
    assert tuple(listed.split(", ")) == FAILURE_COLUMNS


def test_each_key_of_a_scenarios_result_json_is_named() -> None:
    told = {field.name for field in dataclasses.fields(ScenarioResult)} - set(NOT_TOLD)
    assert told - quoted(section("result.json and failures.csv")) == set()


@pytest.mark.parametrize(
    ("row", "most"),
    [
        ("`rollouts`", USUAL.rollouts),
        ("`outages` of all rollouts together", USUAL.outages),
        ("`takers` of all rollouts together", USUAL.takers),
        ("`pods` of `propagation`, on each side", USUAL.lags),
        ("`failures` of `chart`", USUAL.bars),
        ("`pods` of `chart`", USUAL.pods),
    ],
)
def test_the_longest_lists_are_as_long_as_is_said(row: str, most: int) -> None:
    assert f"\n| {row} | {most:,} |" in PAGE
