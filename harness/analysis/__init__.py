"""Pure functions of a run: what failed, why, and what would have held.

The names below are loaded when they are first asked for: numpy, polars and scipy take half a second, and whoever only
imports the package (`--help`, the pytest plugin) needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.analysis.experiment import judge_experiment
    from harness.analysis.pooling import pool
    from harness.analysis.scenario import judge
    from harness.analysis.statistics import plan_confidence

__all__ = ["judge", "judge_experiment", "plan_confidence", "pool"]

_HOMES = {"judge": "scenario", "judge_experiment": "experiment", "plan_confidence": "statistics", "pool": "pooling"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found
