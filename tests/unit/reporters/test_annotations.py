"""What GitHub is told of a result."""

from dataclasses import replace

import pytest

from harness.model.result import ExperimentResult, Verdict
from harness.reporters.annotations import workflow_commands

from .examples import BOTH, DEFAULT, DEFAULT_INFO, HOSTILE, INFOS, filled_with


def told(*scenarios: object) -> tuple[str, ...]:
    return workflow_commands(ExperimentResult(experiment="x", scenarios=scenarios, exit_code=1), INFOS)  # type: ignore[arg-type]


def test_only_what_is_not_as_expected_is_told() -> None:
    assert told(DEFAULT, BOTH) == ()
    assert told(replace(DEFAULT, as_expected=False), BOTH) == (
        "::error title=rollout-harness%2C default%3A dropping%2C not as expected%3A dropping expected::default drops "
        "calls: 3 of 3 rollouts dropped calls: with 95 %25 confidence, at least 37 %25 of rollouts drop calls; "
        "221 of 3,539 requests "
        "failed meanwhile. To fix it: preStop 5 s, minReadySeconds 5 s. A rollout then takes 17.6 s instead of 1.6 s "
        "(predicted).",
    )
    assert told(replace(BOTH, verdict=Verdict.INCONCLUSIVE, as_expected=False))[0].startswith("::warning title=")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_one_command_still(text: str) -> None:
    _, result = filled_with(text)
    experiment = ExperimentResult(experiment=text, scenarios=(replace(result, as_expected=False),), exit_code=1)
    (line,) = workflow_commands(experiment, {text: DEFAULT_INFO})
    assert line.isprintable()
    assert line.startswith("::error title=")
    assert line.count("::") >= 2
