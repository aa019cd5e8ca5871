"""The room is cheap to enter."""

from __future__ import annotations

import subprocess
import sys


def test_entering_the_room_imports_nothing_heavy() -> None:
    heavy = "{'polars', 'numpy', 'scipy'}"
    code = f"import sys, harness.analysis; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
