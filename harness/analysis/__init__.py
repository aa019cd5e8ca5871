"""Pure functions of a run: what failed, why, and what would have held."""

from harness.analysis.judge import judge
from harness.analysis.pooling import judge_experiment, pool
from harness.analysis.statistics import plan_confidence

__all__ = ["judge", "judge_experiment", "plan_confidence", "pool"]
