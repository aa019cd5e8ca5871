"""Turns results into report.md, fit for a pull request's comment and a job's summary on GitHub."""

from collections.abc import Mapping

from harness.model.result import ExperimentResult, ScenarioResult
from harness.model.run import RunInfo
from harness.reporters.page import markdown_environment


def scenario_markdown(info: RunInfo, result: ScenarioResult) -> str:
    """One scenario's report.md."""
    return markdown_environment().get_template("scenario.md.j2").render(info=info, s=result)


def experiment_markdown(result: ExperimentResult, infos: Mapping[str, RunInfo]) -> str:
    """An experiment's report.md: the table first, then scenario by scenario. Raises KeyError: no info of a scenario."""
    pairs = [(infos[s.scenario], s) for s in result.scenarios]
    return markdown_environment().get_template("experiment.md.j2").render(result=result, pairs=pairs)
