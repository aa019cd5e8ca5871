"""Recorded rollouts -> reports/sample/, one of each kind of report: `python -m scripts.sample [FOLDER]`.

The recordings are real ones (tests/recordings/README.md): a rollout without any mitigation, and one with all of them.
The page is kept without its scripts, and so without the picture of the race: these hold the whole of Vega, which is a
dependency and nothing to keep a copy of.
"""

import re
import sys
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

from harness.judged_runs import judge_again

ROOT = Path(__file__).parents[1]
RUNS = [ROOT / "tests" / "recordings" / name for name in ("default-3replicas-sync1s", "mitigated-3replicas-sync1s")]
SAID = "A sample, kept without its scripts: of a run of your own the race is drawn, rollout by rollout."
KINDS = ("report.html", "report.md", "junit.xml", "result.json")


def sample(folder: Path) -> None:
    """Write one of each kind into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as out:
        judge_again(RUNS, Path(out))
        for kind in KINDS:
            copy(Path(out) / kind, folder / kind)
    page = folder / "report.html"
    page.write_text(without_scripts(page.read_text(encoding="utf-8")), encoding="utf-8")


def without_scripts(page: str) -> str:
    """The page as a browser shows it that runs none, with a word on that."""
    page = re.sub(r"<script>.*?</script>\n?", "", page, flags=re.DOTALL)
    page = re.sub(r"; script-src [^\"]*", "", page)
    return page.replace("</h1>", f"</h1>\n<p>{SAID}</p>", 1)


if __name__ == "__main__":
    sample(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "reports" / "sample")
