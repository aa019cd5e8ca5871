"""The jobs of .github/workflows, each row of their matrices, step by step.

Their `run:` steps are run as they stand, from a folder that has all of this repository but its .venv. What a step needs
that no machine of a test has, or that CI runs beside this test anyway, is run against a stand-in, which notes what it
was asked:

- `make` only says what it would do (`MAKEFLAGS=-n`), so its targets are there;
- `pytest` only collects, so its paths, options and markers are right;
- `rollout-harness` plans (`--dry-run`), so the experiment and the options are right;
- `uses: ./` is what test_action.py runs: here it is taken to have put out a seamless rollout;
- `kind`, `docker` and `kubectl` answer as the real ones did (kind_playback.py); `sudo` runs its command as it is.
"""

from __future__ import annotations

import json
import re
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from jobs import Machine
from kind_playback import Playback

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"
NOTE = 'printf "%s " "$(basename "$0")" "$@" | sed "s/ $//" >>"$NOTES"; echo >>"$NOTES"\n'
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")

SAME_STEPS = ("kubernetes", "node_image", "experiment")
"""Keys of a matrix on which no step turns: one of their rows is enough."""


def jobs() -> list[Any]:
    """Every job with the rows of its matrix; of those whose steps are the same, the first."""
    found = []
    for path in sorted(FOLDER.glob("*.yml")):
        workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, job in workflow["jobs"].items():
            seen = set()
            for row in rows((job.get("strategy") or {}).get("matrix") or {}):
                if (kind := tuple(row[key] for key in row if key not in SAME_STEPS)) not in seen:
                    found.append(pytest.param(job, row, id="-".join([path.stem, name, *map(str, row.values())][:4])))
                seen.add(kind)
    return found


def rows(matrix: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a matrix: the product of its lists, and what is included beside it."""
    found: list[dict[str, Any]] = [{}]
    for name, values in matrix.items():
        if name != "include":
            found = [{**row, name: value} for row in found for value in values]
    return [row for row in [*found, *matrix.get("include", [])] if row or not matrix]


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A runner with a checkout, and stand-ins for what is not run here."""
    workspace, notes = tmp_path / "checkout", tmp_path / "notes"
    playback = Playback(tmp_path / "programs", kubeconfig={"contexts": [{"name": "paper", "context": {}}]})
    workspace.mkdir()
    for path in ROOT.iterdir():
        if path.name not in (".venv", ".git", "reports"):
            (workspace / path.name).symlink_to(path)
    executable(playback.folder / "sudo", NOTE + '[ "$1" = -n ] && shift; exec "$@"')
    real = ROOT / ".venv" / "bin"
    executable(
        workspace / ".venv" / "bin" / "pytest", f'{NOTE}exec {real}/pytest -p no:cacheprovider --collect-only "$@"'
    )
    plan = f"""for out in "$@"; do :; done
[ "$1" = demo ] || {real}/rollout-harness "$@" --dry-run || exit
mkdir -p "$out"; echo planned >"$out/report.md"
"""
    executable(workspace / ".venv" / "bin" / "rollout-harness", NOTE + plan)
    notes.write_text("")
    return Machine(
        workspace=workspace,
        temporary=tmp_path / "temporary",
        programs=playback.folder,
        variables={
            "NOTES": str(notes),
            "MAKEFLAGS": "n",
            "PYTEST_ADDOPTS": "",
            "TMPDIR": str(tmp_path),
            "KUBECONFIG": str(tmp_path / "kubeconfig"),
        },
    )


@pytest.mark.parametrize(("job", "row"), jobs())
def test_every_step_of_a_job_runs(job: dict[str, Any], row: dict[str, Any], machine: Machine) -> None:
    contexts: dict[str, Any] = {"matrix": row}
    steps = [{**step, "env": {**(job.get("env") or {}), **(step.get("env") or {})}} for step in job["steps"]]
    if any(step.get("uses") == "./" for step in steps):
        steps = [step for step in steps if "run" in step]
        contexts["steps"] = {"roll": {"outputs": {"exit-code": "0", "verdict": "seamless", "reports": "fixtures"}}}
        (machine.workspace / "fixtures").unlink()
        (machine.workspace / "fixtures").mkdir()
        (machine.workspace / "fixtures" / "report.html").write_text("seamless")
    did = machine.steps(steps, contexts, {})
    assert [each for each in did if each.code] == []
    notes = Path(machine.variables["NOTES"]).read_text().splitlines()
    asked = [shlex.split(line) for line in notes]
    if "node_image" in row:
        assert any(each[:2] == ["rollout-harness", "run"] and row["experiment"] in each for each in asked)
        assert machine.summary == "planned\n"
        assert list(clusters(machine)) == ["rollout-harness"]


def clusters(machine: Machine) -> dict[str, Any]:
    assert machine.programs is not None
    found: dict[str, Any] = json.loads((machine.programs / "state").read_text())["clusters"]
    return found


@pytest.mark.parametrize(("sum_is", "code"), [("as published", 0), ("another", 1)])
def test_kind_is_installed_where_what_was_downloaded_is_its_release(sum_is: str, code: int, machine: Machine) -> None:
    """What is downloaded here is none: its sum is another, unless the program that looks at it says otherwise."""
    assert machine.programs is not None
    (machine.programs / "kind").unlink()
    curl = 'while [ $# -gt 1 ]; do [ "$1" = -o ] && echo "#!/bin/sh" >"$2"; shift; done; echo "$1" >>"$NOTES"'
    executable(machine.programs / "curl", curl)
    if sum_is == "as published":
        executable(machine.programs / "sha256sum", "cat >/dev/null")
    (did,) = machine.steps([{"name": "kind", "run": "scripts/kind-install.sh"}], {}, {})
    assert did.code == code
    assert "/kubernetes-sigs/kind/releases/download/v0.33.0/kind-linux-" in Path(machine.variables["NOTES"]).read_text()
    into = machine.temporary / "kind"
    assert [path.name for path in into.iterdir()] == ([] if code else ["kind"])
    assert machine.paths == ([] if code else [str(into)])
    assert ("nothing was installed" in did.printed) is bool(code)


@pytest.mark.parametrize("path", [ROOT / "action.yml", *sorted(FOLDER.glob("*.yml"))], ids=lambda path: path.stem)
def test_every_action_of_others_is_pinned_by_a_commit_and_says_which_release_that_is(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        found = re.search(r"uses:\s+(\S+)(.*)", line)
        if found and found[1] != "./":
            assert PINNED.fullmatch(found[1]), line
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", found[2]), line


def test_every_python_that_the_package_takes_is_tried() -> None:
    matrix = yaml.safe_load((FOLDER / "test.yml").read_text())["jobs"]["tests"]["strategy"]["matrix"]
    least = re.search(r'requires-python = ">=3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert least
    assert matrix["python"] == [f"3.{minor}" for minor in range(int(least[1]), 15)]


def test_every_node_image_has_its_digest_and_its_version() -> None:
    include = yaml.safe_load((FOLDER / "kind.yml").read_text())["jobs"]["e2e"]["strategy"]["matrix"]["include"]
    for row in include:
        assert re.fullmatch(rf"kindest/node:{re.escape(row['kubernetes'])}@sha256:[0-9a-f]{{64}}", row["node_image"])
    assert len({row["node_image"] for row in include}) == len(include) == 5
