"""Turns an experiment's result into GitHub's workflow commands, which stand beside a pull request.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
"""

from collections.abc import Mapping

from harness.model.result import ExperimentResult, ScenarioResult, Verdict
from harness.model.run import RunInfo
from harness.reporters.conclusions import conclusion, cost
from harness.reporters.escaping import visible
from harness.reporters.figures import expectation


def workflow_commands(result: ExperimentResult, infos: Mapping[str, RunInfo]) -> tuple[str, ...]:
    """A line for each scenario that is not as expected, or that exceeded its budget.

    An error where calls were dropped, or not dropped where they should have been; a warning where nothing could be
    said. Raises KeyError: no info of a scenario.
    """
    return tuple(_command(s, infos[s.scenario]) for s in result.scenarios if not s.as_expected or s.exceeded)


def _command(result: ScenarioResult, info: RunInfo) -> str:
    level = "warning" if result.verdict is Verdict.INCONCLUSIVE and not result.exceeded else "error"
    title = f"rollout-harness, {result.scenario}: {result.verdict.value}, {expectation(result)}"
    said = " ".join(filter(None, (conclusion(result), cost(info, result))))
    return f"::{level} title={_escaped(title).replace(':', '%3A').replace(',', '%2C')}::{_escaped(said)}"


def _escaped(text: str) -> str:
    """On one line, with nothing that could end it or begin another command."""
    return visible(text).replace("%", "%25")
