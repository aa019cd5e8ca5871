"""An experiment, or one of fixtures/experiments changed for a test -> what the command made of it on a sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from needs import missing
from stalled import again_where_stalled, unless_stalled_in
from yaml import safe_dump, safe_dump_all, safe_load, safe_load_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Object = dict[str, Any]


def judged_on_sandbox(
    timeout_s: float, *, slow: bool = False, lacking: Iterable[str] | None = None
) -> list[pytest.MarkDecorator]:
    """The marks of a module whose tests look at verdicts of rollouts. `lacking`: why they cannot run here."""
    because = " ".join(missing() if lacking is None else lacking)
    marks = [pytest.mark.sandbox, again_where_stalled, pytest.mark.timeout(timeout_s)]
    return [*marks, pytest.mark.skipif(bool(because), reason=because), *([pytest.mark.slow] if slow else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. `scenarios`: by variant, empty where it came to no result."""

    code: int
    said: str
    scenarios: dict[str, Object]
    folder: Path


def of_kind(documents: Iterable[Object], kind: str, name: str | None = None) -> Object:
    """The one object of that kind (and name)."""
    (found,) = (each for each in documents if each["kind"] == kind and name in (None, each["metadata"]["name"]))
    return found


def run(experiment: Path, *options: str, timeout_s: float, env: dict[str, str] | None = None) -> Outcome:
    """Run an experiment's file on a sandbox of its own, into the folder `run` beside it.

    Raises:
        HarnessStalled: the machine stood still under it.
    """
    out = experiment.parent / "run"
    command = [sys.executable, "-m", "harness", "run", str(experiment), "--yes", "--out", str(out), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s, env=env)
    unless_stalled_in(out)
    result = out / "result.json"
    found = json.loads(result.read_text())["scenarios"] if result.is_file() else []
    said = " ".join((done.stdout + done.stderr).split())
    return Outcome(code=done.returncode, said=said, scenarios={each["variant"]: each for each in found}, folder=out)


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
    return run(tmp_path / "experiment.yaml", timeout_s=timeout_s)
