"""`--quiet`, `--verbose`, `--json` and NO_COLOR: how much is said, and in what form, the verdict stays the same."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from program import called
from rich.console import Console

from harness.cli.summary import print_verdict
from harness.judged_runs import judge_again

RUN = Path(__file__).parents[2] / "recordings" / "app-errors"


def test_the_verdict_in_one_line_in_full_and_for_machines(tmp_path: Path) -> None:
    usual, quiet, verbose, machine = (
        called("report", RUN, "--out", tmp_path / "again", *words) for words in ((), ("-q",), ("-v",), ("--json",))
    )
    assert usual.code == quiet.code == verbose.code == machine.code
    assert quiet.out.count("\n") == 1
    assert quiet.out.strip() in usual.out
    assert "control window: failed requests:" in verbose.out
    assert "control window: failed requests:" not in usual.out
    told = json.loads(machine.out)
    assert told["exit_code"] == machine.code
    assert f"app-errors: {told['scenarios'][0]['verdict']}, " in quiet.out
    assert [Path(path).name for path in told["reports"]] == ["report.md", "report.html", "junit.xml"]


def test_quiet_and_verbose_exclude_each_other() -> None:
    assert "--quiet is given too" in called("report", RUN, "-q", "-v").error


def test_what_lies_behind_an_error_is_told_where_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    assert "behind it" not in called("report", tmp_path).err
    assert "  behind it: JSONDecodeError: " in called("report", tmp_path, "--verbose").err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("name", ["", "NO_COLOR"])
def test_no_colour_where_the_environment_forbids_it(name: str, tmp_path: Path) -> None:
    judged = judge_again([RUN], tmp_path)
    environment = {name: "1"} if name else {}
    console = Console(file=io.StringIO(), force_terminal=True, color_system="256", _environ=environment)
    with redirect_stdout(Terminal()) as out:
        print_verdict(judged, console, records=[])
    assert ("\x1b[" in out.getvalue()) == (not name)
