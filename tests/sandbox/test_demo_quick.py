"""`demo --quick` comes to its two verdicts. (Within a minute on a machine that has the time.)"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from needs import missing

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.timeout(320),
    pytest.mark.skipif(bool(missing()), reason=" ".join(missing())),
]


def test_both_ends_are_judged(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "demo", "--quick", "--out", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "default: dropping, as expected" in done.stdout
    assert "both: seamless, as expected" in done.stdout
