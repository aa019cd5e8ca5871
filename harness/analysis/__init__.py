"""Pure functions of a run: what failed, why, and what would have held."""

from harness.analysis.judge import judge
from harness.analysis.statistics import plan_confidence
from harness.analysis.together import judge_experiment, pool

__all__ = ["judge", "judge_experiment", "plan_confidence", "pool"]
