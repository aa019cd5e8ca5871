"""Run an experiment's variants side by side: `python -m scripts.side_by_side EXPERIMENT [--on PLACE] [--table FILE]`.

Each is a run of its own, in a sandbox of its own; a rollout is mostly waiting, so that several fit on one machine. That
they do not disturb each other is shown by the control windows: how late the load's requests were sent there stands in
the table. What is there already is kept: run it again, and only what lacks a result is run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from scripts.side_by_side.findings import Finding, finding
from scripts.side_by_side.page import dose_table, matrix_table, picture
from scripts.side_by_side.places import PLACES

_RUN_S = 3600.0


def main(arguments: Sequence[str]) -> int:
    """0 where every variant could be judged, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.side_by_side", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--out", type=Path, default=Path("reports/side-by-side"), metavar="DIR")
    parser.add_argument("--on", nargs="+", choices=list(PLACES), default=["as-written"], metavar="PLACE")
    parser.add_argument("--only", nargs="+", metavar="VARIANT")
    parser.add_argument("--rollouts", type=int, metavar="N")
    parser.add_argument("--at-a-time", type=int, default=8, metavar="N")
    parser.add_argument("--table", type=Path, metavar="FILE")
    parser.add_argument("--picture", type=Path, metavar="FILE")
    asked = parser.parse_args(arguments)
    written = yaml.safe_load(asked.experiment.read_text())
    variants = [name for name in written["variants"] if asked.only is None or name in asked.only]
    wanted = [(variant, place) for place in asked.on for variant in variants]
    asked.out.mkdir(parents=True, exist_ok=True)
    described = {each: _described(written, asked.experiment.parent, *each, rollouts=asked.rollouts) for each in wanted}
    with ThreadPoolExecutor(asked.at_a_time) as pool:
        found = list(pool.map(lambda each: _found(each, described[each], asked.out), wanted))
    findings = [one for one in found if one is not None]
    several = len(asked.on) > 1
    _give(asked.table, dose_table(findings) if several else matrix_table(findings))
    if asked.picture and findings:
        asked.picture.write_text(picture(findings, str(written["name"])) + "\n")
    judged = len(findings) == len(wanted) and all(one.verdict != "inconclusive" for one in findings)
    return 0 if judged else 1


def _described(
    written: dict[str, Any], folder: Path, variant: str, place: str, *, rollouts: int | None
) -> dict[str, Any]:
    """The experiment with that variant alone, as it is there."""
    return {
        **written,
        **PLACES[place],
        "manifests": [str((folder / each).resolve()) for each in written["manifests"]],
        **({"images": _with_paths(written["images"], folder)} if "images" in written else {}),
        "variants": {variant: {**written["variants"][variant], "expect": "any"}},
        **({} if rollouts is None else {"rollouts": rollouts}),
    }


def _with_paths(images: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The images, with the paths of their commands made absolute: they are relative to the experiment's `folder`."""

    def absolute(word: str) -> str:
        return str((folder / word).resolve()) if word.startswith(("./", "../")) else word

    return {name: {**image, "command": list(map(absolute, image["command"]))} for name, image in images.items()}


def _found(each: tuple[str, str], described: dict[str, Any], out: Path) -> Finding | None:
    variant, place = each
    folder = out / place / variant
    if not (folder / "result.json").is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        experiment = out / place / f"{variant}.json"
        experiment.write_text(json.dumps(described, indent=1) + "\n")
        command = [sys.executable, "-m", "harness", "run", str(experiment), "--out", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_RUN_S, check=False)
        (out / place / f"{variant}.log").write_text(done.stdout + done.stderr)
    if not (folder / "result.json").is_file():
        print(f"{place}, {variant}: no result; see {out / place / variant}.log", file=sys.stderr)
        return None
    found = finding(folder, variant, place)
    print(f"{place}, {variant}: {found.verdict}, {sum(found.own)} failed ({found.reason})", flush=True)
    return found


def _give(file: Path | None, text: str) -> None:
    if file is None:
        print(text)
    else:
        file.write_text(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
