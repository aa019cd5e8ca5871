"""Load against any URL: a plan into requests that start on schedule, are never retried, and are all recorded."""

from harness.load.plan import PLAN_VARIABLE, Engine, Plan, PlanError, Stream, descriptors, plan_json, split
from harness.load.ports import PORTS, PortBudgetError, budget_per_s, check_budget
from harness.load.records import End, Statistics, parse_line
from harness.load.signs import END_PATH, SIGN_EVERY_S, SIGN_PATH, SIGN_PORT

__all__ = [
    "END_PATH",
    "PLAN_VARIABLE",
    "PORTS",
    "SIGN_EVERY_S",
    "SIGN_PATH",
    "SIGN_PORT",
    "End",
    "Engine",
    "Plan",
    "PlanError",
    "PortBudgetError",
    "Statistics",
    "Stream",
    "budget_per_s",
    "check_budget",
    "descriptors",
    "parse_line",
    "plan_json",
    "split",
]
