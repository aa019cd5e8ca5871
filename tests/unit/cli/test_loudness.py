"""`--quiet`, `--verbose`, `--json` and NO_COLOR: how much is said, and in what form, the verdict stays the same."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import pytest
from program import called
from rich.console import Console

from harness.analysis import judge, judge_experiment
from harness.cli.loudness import Loudness, at
from harness.cli.summary import print_verdict
from harness.judged_runs import Judged, recorded
from harness.model.reasons import Reason
from harness.model.result import Verdict

RUN = Path(__file__).parents[2] / "recordings" / "app-errors"


@pytest.fixture(scope="module")
def judged() -> Judged:
    """Judged, and no report made: to draw them takes most of the time."""
    run = recorded(RUN)
    result = judge(run)
    return Judged(result=judge_experiment([result], experiment="recorded"), infos={result.scenario: run.info})


def printed(judged: Judged, loudness: Loudness, console: Console) -> str:
    with redirect_stdout(Terminal()) as out, at(loudness):
        print_verdict(judged, console, records=[RUN])
    return out.getvalue()


def test_the_verdict_in_one_line_and_in_full(judged: Judged) -> None:
    console = Console(file=io.StringIO())
    usual, quiet, verbose = (
        printed(judged, loudness, console) for loudness in (Loudness.USUAL, Loudness.QUIET, Loudness.VERBOSE)
    )
    assert quiet.count("\n") == 1
    assert quiet.strip() in usual
    assert "control window: failed requests:" in verbose
    assert "control window: failed requests:" not in usual


def test_one_line_of_an_inconclusive_verdict_has_its_reason(judged: Judged) -> None:
    (one,) = judged.result.scenarios
    torn = replace(one, verdict=Verdict.INCONCLUSIVE, reason=Reason.NO_TIMELINE, as_expected=False)
    said = printed(
        replace(judged, result=replace(judged.result, scenarios=(torn,))), Loudness.QUIET, Console(file=io.StringIO())
    )
    assert said == "app-errors: inconclusive (no-timeline), not as expected: seamless expected\n"


def test_machines_get_the_verdicts_with_their_numbers(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    reported = replace(judged, reports=(Path("again/report.md"),))
    monkeypatch.setattr("harness.judged_runs.judge_again", lambda _runs, _out: reported)
    said = called("report", RUN, "--json")
    told = json.loads(said.out)
    assert told["exit_code"] == said.code == judged.result.exit_code
    assert [(one["scenario"], one["failed"]) for one in told["scenarios"]] == [("app-errors", 62)]
    assert told["reports"] == ["again/report.md"]


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
def test_no_colour_where_the_environment_forbids_it(name: str, judged: Judged) -> None:
    environment = {name: "1"} if name else {}
    console = Console(file=io.StringIO(), force_terminal=True, color_system="256", _environ=environment)
    assert ("\x1b[" in printed(judged, Loudness.USUAL, console)) == (not name)
