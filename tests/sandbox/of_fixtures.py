"""An experiment of fixtures/experiments, changed for a test -> what the command made of it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stalled import unless_stalled_in
from yaml import safe_dump, safe_dump_all, safe_load, safe_load_all

if TYPE_CHECKING:
    from collections.abc import Callable

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. `scenarios`: by variant, empty where it came to no result."""

    code: int
    said: str
    scenarios: dict[str, Object]
    folder: Path


def outcome(
    tmp_path: Path,
    repository: Path,
    name: str,
    *,
    variants: tuple[str, ...] | None = None,
    change: Callable[[Object, list[Object]], None] = lambda experiment, manifests: None,
    timeout_s: float = 560,
) -> Outcome:
    """Run the experiment `name`, of its `variants` alone those named, on a sandbox of its own.

    `change`: changes the experiment and its manifests in place.
    """
    text = (repository / "fixtures" / "experiments" / f"{name}.yaml").read_text()
    described: Object = safe_load(text.replace("../", f"{repository}/fixtures/"))
    manifests = [each for file in described["manifests"] for each in safe_load_all(Path(file).read_text())]
    if variants is not None:
        described["variants"] = {each: described["variants"][each] for each in variants}
    change(described, manifests)
    described["manifests"] = ["manifests.yaml"]
    (tmp_path / "manifests.yaml").write_text(safe_dump_all(manifests))
    (tmp_path / "experiment.yaml").write_text(safe_dump(described, sort_keys=False))
    out = tmp_path / "run"
    command = [sys.executable, "-m", "harness", "run", str(tmp_path / "experiment.yaml"), "--yes", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)
    unless_stalled_in(out)
    result = out / "result.json"
    found = json.loads(result.read_text())["scenarios"] if result.is_file() else []
    said = " ".join((done.stdout + done.stderr).split())
    return Outcome(code=done.returncode, said=said, scenarios={each["variant"]: each for each in found}, folder=out)
