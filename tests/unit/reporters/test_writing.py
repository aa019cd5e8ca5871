"""What is written where."""

from pathlib import Path

import pytest

from harness.reporters import write_experiment, write_scenario

from .examples import BOTH, BOTH_INFO, EXPERIMENT, INFOS


def test_an_experiment_gets_three_files(tmp_path: Path) -> None:
    written = write_experiment(tmp_path / "new", EXPERIMENT, INFOS)
    assert [path.name for path in written] == ["report.md", "report.html", "junit.xml"]
    assert all(path.stat().st_size > 1000 for path in written)


def test_a_scenario_gets_markdown_and_html_only_if_asked_for(tmp_path: Path) -> None:
    assert [p.name for p in write_scenario(tmp_path, BOTH_INFO, BOTH)] == ["report.md"]
    assert not (tmp_path / "report.html").exists()
    assert [p.name for p in write_scenario(tmp_path, BOTH_INFO, BOTH, html=True)] == ["report.md", "report.html"]


def test_a_scenario_without_its_run_info_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="both"):
        write_experiment(tmp_path, EXPERIMENT, {"default": INFOS["default"]})
