"""The folder of a run -> what one variant cost in one place, and what a pipeline would have been told meanwhile."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.model.duration import duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One variant in one place. `failed`: per rollout, by cause; `took_s`: per rollout, from its update to when the API
    called it complete, which is what `kubectl rollout status` waits for; None where it never did. `lag_ms`: how late
    the load's requests were sent in the control window, the worst of its seconds' 99th percentiles. `own`: per rollout,
    the failures that it answers for."""

    variant: str
    place: str
    verdict: str
    reason: str
    own: tuple[int, ...]
    requests: int
    causes: dict[str, int]
    took_s: tuple[float | None, ...]
    lag_ms: float
    notes: tuple[str, ...] = ()

    def said(self, timeout_s: float) -> str:
        """What `kubectl rollout status --timeout` would have said of the slowest."""
        if any(took is None or took > timeout_s for took in self.took_s):
            return "error: timed out waiting for the condition"
        return "successfully rolled out"


def finding(folder: Path, variant: str, place: str) -> Finding:
    """What the run in `folder` came to."""
    scenarios = json.loads((folder / "result.json").read_text())["scenarios"]
    (one,) = [scenario for scenario in scenarios if scenario["variant"] == variant]
    rollouts, causes = one["rollouts"], dict[str, int]()
    for rollout in rollouts:
        for cause, number in rollout["by_cause"].items():
            causes[cause] = causes.get(cause, 0) + number
    return Finding(
        variant=variant,
        place=place,
        verdict=one["verdict"],
        reason=one["reason"],
        own=tuple(rollout["failed"] for rollout in rollouts),
        requests=one["requests"],
        causes=causes,
        took_s=tuple(None if each["complete"] is None else each["complete"] - each["update"] for each in rollouts),
        lag_ms=_control_lag_ms(folder / variant),
        notes=tuple(one["notes"]),
    )


def _control_lag_ms(folder: Path) -> float:
    start, end = json.loads((folder / "run.json").read_text())["control"] or (0.0, 0.0)
    lines: list[dict[str, Any]] = [json.loads(line) for line in (folder / "workers.jsonl").read_text().splitlines()]
    return max((float(line["lag_p99_ms"]) for line in lines if start <= line["t"] <= end), default=0.0)


def took(finding: Finding) -> str:
    """How long its rollouts took.

    >>> from dataclasses import replace
    >>> one = Finding(variant="v", place="p", verdict="seamless", reason="", own=(0, 0), requests=9, causes={},
    ...               took_s=(96.4, None), lag_ms=1.0)
    >>> took(one), took(replace(one, took_s=(2.0, 4.5)))
    ('1m36s, not in time', '2s, 4s')
    """
    return ", ".join("not in time" if seconds is None else duration(float(int(seconds))) for seconds in finding.took_s)
