"""Turns finished results into what people and CI read: terminal, Markdown, HTML and JUnit.

Counts, picks and words what a result says; it judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.model.result import ExperimentResult, ScenarioResult
from harness.model.run import RunInfo

__all__ = ["write_experiment", "write_scenario"]


def write_scenario(folder: Path, info: RunInfo, result: ScenarioResult, *, html: bool = False) -> tuple[Path, ...]:
    """Write report.md, and report.html if asked for, into a scenario's folder; tell what was written.

    Raises OSError where the folder cannot be written.
    """
    from harness.reporters.markdown import scenario_markdown

    written = [_write(folder / "report.md", scenario_markdown(info, result))]
    if html:
        from harness.reporters.html import scenario_html

        written.append(_write(folder / "report.html", scenario_html(info, result)))
    return tuple(written)


def write_experiment(folder: Path, result: ExperimentResult, infos: Mapping[str, RunInfo]) -> tuple[Path, ...]:
    """Write report.md, report.html and junit.xml into an experiment's folder; tell what was written.

    `infos`: a RunInfo for every scenario, by the scenario's name; of pooled runs any one.
    Raises KeyError where one is missing, OSError where the folder cannot be written.
    """
    from harness.reporters.html import experiment_html
    from harness.reporters.junit import experiment_junit
    from harness.reporters.markdown import experiment_markdown

    return (
        _write(folder / "report.md", experiment_markdown(result, infos)),
        _write(folder / "report.html", experiment_html(result, infos)),
        _write(folder / "junit.xml", experiment_junit(result, infos)),
    )


def _write(path: Path, text: str) -> Path:
    """Write it whole, or leave what is there: a disk may be full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_text(text, encoding="utf-8", errors="backslashreplace")  # a name may be no text in UTF-8
        return new.replace(path)
    except OSError as error:
        error.filename = str(path)  # nobody knows the other one, under which it is written
        raise
    finally:
        new.unlink(missing_ok=True)
