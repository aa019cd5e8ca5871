"""One table of exit codes: what the documentation and `--help` print is what the program ends with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from program import told

from harness import errors
from harness.exit_codes import MEANINGS, ExitCode

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("page", ["README.md", "docs/verdict.md"])
def test_the_documentation_has_the_table(page: str) -> None:
    rows = "".join(f"| {code} | {meaning} |\n" for code, meaning in MEANINGS.items())
    assert rows in (ROOT / page).read_text()


def test_help_prints_the_table() -> None:
    said = re.sub(r"\s+", " ", told("--help").out)
    for code, meaning in MEANINGS.items():
        assert f"{code}: {meaning}." in said


def test_every_code_is_in_the_table() -> None:
    assert {str(code.value) for code in ExitCode} - {"128"} == set(MEANINGS) - {"128 + n"}


def test_no_error_claims_a_verdict() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.HarnessError)]
    assert len(kinds) > 10
    assert {kind.exit_code for kind in kinds} == {ExitCode.USAGE, ExitCode.INCONCLUSIVE}
