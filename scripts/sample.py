"""Recorded rollouts -> reports/sample/, one of each kind of report: `python -m scripts.sample [FOLDER]`.

The recordings are real ones (tests/recordings/README.md): a rollout without any mitigation, and one with all of them.
"""

import sys
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

from harness.judged_runs import judge_again

ROOT = Path(__file__).parents[1]
RUNS = [ROOT / "tests" / "recordings" / name for name in ("default-3replicas-sync1s", "mitigated-3replicas-sync1s")]
KINDS = ("report.html", "report.md", "junit.xml", "result.json")


def sample(folder: Path) -> None:
    """Write one of each kind into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as out:
        judge_again(RUNS, Path(out))
        for kind in KINDS:
            copy(Path(out) / kind, folder / kind)


if __name__ == "__main__":
    sample(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "reports" / "sample")
