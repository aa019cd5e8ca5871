"""Load against any URL: a plan into requests that start on schedule, are never retried, and are all recorded."""

from harness.load.plan import Engine, Message, Plan, PlanError, Stream, descriptors, plan_json, split
from harness.load.ports import PORTS, TIME_WAIT_S, PortBudgetError, budget_per_s, check_budget
from harness.load.records import Ability, End, Refusal, Statistics, parse_line
from harness.load.sign_terms import (
    BEGIN_PATH,
    END_PATH,
    LINES_PATH,
    MOST_LINES,
    RECEIVED_PATH,
    SIGN_EVERY_S,
    SIGN_PATH,
    SIGN_PORT,
)

__all__ = [
    "BEGIN_PATH",
    "END_PATH",
    "LINES_PATH",
    "MOST_LINES",
    "PORTS",
    "RECEIVED_PATH",
    "SIGN_EVERY_S",
    "SIGN_PATH",
    "SIGN_PORT",
    "TIME_WAIT_S",
    "Ability",
    "End",
    "Engine",
    "Message",
    "Plan",
    "PlanError",
    "PortBudgetError",
    "Refusal",
    "Statistics",
    "Stream",
    "budget_per_s",
    "check_budget",
    "descriptors",
    "parse_line",
    "plan_json",
    "split",
]
