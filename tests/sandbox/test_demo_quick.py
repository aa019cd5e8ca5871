"""`demo --quick` comes to its two verdicts within a minute of its start."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.sandbox.preflight import missing

pytestmark = [pytest.mark.sandbox, pytest.mark.skipif(bool(missing()), reason=" ".join(missing()))]


def test_both_ends_are_judged_within_a_minute(tmp_path: Path) -> None:
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "harness", "demo", "--quick", "--out", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "default: dropping, as expected" in done.stdout
    assert "both: seamless, as expected" in done.stdout
    assert time.monotonic() - start < 60
