"""The reference page of causes is what the table prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.analysis.causes.reference import reference
from harness.analysis.causes.row import CAUSE_WORDS, FLAG_WORDS, WAY_WORDS, Flag, Way
from harness.analysis.causes.table import TABLE
from harness.model.result import Cause


def test_the_page_is_what_the_command_prints(repository: Path, pytestconfig: pytest.Config) -> None:
    command = [sys.executable, "-m", "harness.analysis.causes.reference"]
    printed = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True, timeout=200).stdout
    page = repository / "docs" / "causes.md"
    if pytestconfig.getoption("--update-golden"):
        page.write_text(printed)
    assert page.read_text() == printed, f"`{' '.join(command[1:])} > docs/causes.md` makes it anew"


def test_every_rule_has_its_section_in_the_order_in_which_it_is_asked() -> None:
    assert re.findall(r"^### (.+)$", reference(), flags=re.MULTILINE) == [str(row.rule) for row in TABLE]


def test_no_two_rules_share_a_name() -> None:
    assert len({str(row.rule) for row in TABLE}) == len(TABLE)


def test_everything_that_a_rule_can_say_has_words() -> None:
    assert (set(CAUSE_WORDS), set(WAY_WORDS), set(FLAG_WORDS)) == (set(Cause), set(Way), set(Flag))


def test_every_link_of_the_page_leads_to_a_rule() -> None:
    assert set(re.findall(r"\]\(#(.+?)\)", reference())) == {str(row.rule) for row in TABLE}
