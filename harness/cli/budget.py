"""`--budget NAME=LIMIT` -> the experiment with that budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.inputs.shown import near, shown
from harness.model.budget import LIMITS

if TYPE_CHECKING:
    from harness.model.experiment import Experiment

_SUCH_AS = "Such as --budget failed=0 --budget p99_during=250ms."


def within_budget(experiment: Experiment, asked: Sequence[str]) -> Experiment:
    """The experiment with these limits; those that its file sets otherwise stay.

    Raises:
        UsageError: one is no limit.
    """
    if not asked:
        return experiment
    from pydantic import ValidationError

    from harness.model.budget_settings import Budget

    given: dict[str, object] = dict(_limit(text) for text in asked)
    before = experiment.budget.model_dump(mode="json", by_alias=True, exclude_unset=True) if experiment.budget else {}
    try:
        budget = Budget.model_validate({**before, **given})
    except ValidationError as error:
        from harness.runner.experiment_problems import expected

        problem = error.errors()[0]
        name = str(problem["loc"][0]) if problem["loc"] else ""
        seen = expected(problem, problem["loc"])
        raise UsageError(f"reading --budget {name}={given.get(name, '')}", seen, _SUCH_AS) from None
    return experiment.model_copy(update={"budget": budget})


def _limit(text: str) -> tuple[str, object]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if name not in LIMITS or not (equals and value):
        seen = f"there is no limit {shown(name)}{near(name, LIMITS)}" if name not in LIMITS else "it has no value"
        raise UsageError(f"reading --budget {text}", seen, _SUCH_AS)
    return name, int(value) if name == "failed" and value.isdecimal() else value
