"""A judged run -> the settings that would have held in it, as `mitigate --from` applies them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError

_SETTINGS = {"prestop_s": "prestop", "min_ready_s": "min-ready", "grace_s": "grace"}
_MENDS = "mends"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """`seconds`: by mitigation. `mends`: other changes of the manifest, by the names of the hazards that they mend."""

    seconds: dict[str, int]
    mends: frozenset[str] = frozenset()


def advised(run: Path) -> Advised:
    """What a run recommends, whether or not calls were lost: of seconds the largest of all its scenarios.

    Where some were, a setting that would have saved none of them is not among it.

    Raises:
        UsageError: it is no run, it is not judged, nothing of it tells how long anything took, or what it lost takes
            what no change of the manifest is.
    """
    tried = f"reading --from {run}"
    found: dict[str, int] = {}
    useless = False
    sizings = _sizings(run, tried)
    mends = frozenset(name for sizing in sizings for name in sizing[_MENDS])
    for sizing in sizings:
        for name, mitigation in _SETTINGS.items():
            setting = sizing[name]
            recommended = setting.get("recommended")
            if not isinstance(recommended, int) or recommended <= 0:
                continue
            if setting.get("advised", True):
                found[mitigation] = max(recommended, found.get(mitigation, 0))
            else:
                useless = True
    if not found and not mends and useless:
        raise UsageError(
            tried,
            "no preStop, minReadySeconds or grace period would have saved what it lost",
            f"What would have: {_judging(run)}",
        )
    if not found and not mends:
        raise UsageError(tried, "it recommends nothing: no rollout in it shows how long the network took")
    return Advised(seconds=found, mends=mends)


def _judging(run: Path) -> str:
    return f"rollout-harness report {shlex.quote(str(run))}"


def _sizings(run: Path, tried: str) -> list[dict[str, Any]]:
    """Of each scenario, what is said of each setting, and the names of its mends."""
    from harness.inputs.files import file_text
    from harness.inputs.json_text import json_value

    text = file_text(run / "result.json", error=UsageError, hint=f"Judge it first: {_judging(run)}")
    try:
        result = json_value(
            text, tried=f"reading {run / 'result.json'}", error=UsageError, do=f"Judge it again: {_judging(run)}"
        )
        scenarios = result.get("scenarios", [result])
        sizings = [scenario.get("sizing") or {} for scenario in scenarios]
        return [
            {name: dict(sizing.get(name) or {}) for name in _SETTINGS} | {_MENDS: [*map(str, sizing.get(_MENDS) or ())]}
            for sizing in sizings
        ]
    except (AttributeError, TypeError, ValueError):
        raise UsageError(tried, "its result.json is damaged", f"Judge it again: {_judging(run)}") from None
