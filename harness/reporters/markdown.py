"""Turns results into report.md, fit for a pull request's comment and a job's summary on GitHub."""

from collections.abc import Mapping
from typing import Any, Final

from harness.model.result import ExperimentResult, ScenarioResult
from harness.model.run import RunInfo
from harness.reporters.page import markdown_environment

MOST: Final = 20_000
"""How many characters a page may have: a pull request's comment has room for 65,536, with others beside it."""

_LEVELS: Final = 4


def scenario_markdown(info: RunInfo, result: ScenarioResult) -> str:
    """One scenario's report.md."""
    return _page("scenario.md.j2", info=info, s=result, results=[result], pairs=[(info, result)])


def experiment_markdown(result: ExperimentResult, infos: Mapping[str, RunInfo]) -> str:
    """An experiment's report.md: the table first, then scenario by scenario. Raises KeyError: no info of a scenario."""
    pairs = [(infos[s.scenario], s) for s in result.scenarios]
    return _page("experiment.md.j2", result=result, results=result.scenarios, pairs=pairs)


def _page(template: str, **values: Any) -> str:
    """With as much detail as there is room for."""
    page = markdown_environment().get_template(template)
    for level in range(_LEVELS):
        text = page.render(level=level, **values)
        if len(text) <= MOST:
            break
    return text
