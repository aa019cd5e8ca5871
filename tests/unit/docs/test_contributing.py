"""Each example of CONTRIBUTING.md works where it says that it goes, in a copy of the package, and not without it."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()

# What the tests of the examples stand on.
BESIDE = (
    "tests/conftest.py",
    "tests/unit/paper_api.py",
    "tests/unit/analysis/literal.py",
    "tests/unit/spec/objects.py",
)


@dataclass(frozen=True)
class Block:
    """A block of code and where it goes: a file of its own, or a place `within` one."""

    file: str
    within: str
    first: bool
    code: str


def sections() -> dict[str, list[Block]]:
    """The blocks of every section that shows how something is added."""
    found = {}
    for section in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]:
        code = re.findall(r"^```python\n(.*?)^```", section, flags=re.DOTALL | re.MULTILINE)
        if code:
            found[section.partition("\n")[0]] = [_block(each) for each in code]
    return found


def _block(text: str) -> Block:
    where, _, code = text.partition("\n")
    match = re.fullmatch(r"# (?P<file>[\w/]+\.py)(?:, (?P<first>first )?in (?P<within>\w+))?", where)
    assert match is not None, f"a block does not say where it goes: {where}"
    return Block(file=match["file"], within=match["within"] or "", first=bool(match["first"]), code=code)


def put(block: Block, copy: Path) -> None:
    """Put a block where it says: into a file that does not exist yet, or into one that does."""
    path = copy / block.file
    if not block.within:
        assert not path.exists(), f"{block.file} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.code)
        return
    lines = path.read_text().splitlines(keepends=True)
    in_table = block.within.isupper()
    code = block.code.rstrip().removesuffix(",") + ",\n" if in_table else block.code
    lines.insert(_place(lines, block), textwrap.indent(code, "    "))
    path.write_text("".join(lines))


def _place(lines: list[str], block: Block) -> int:
    for node in ast.parse("".join(lines)).body:
        if isinstance(node, ast.ClassDef) and node.name == block.within:
            fields = [each for each in node.body if isinstance(each, ast.Assign | ast.AnnAssign)]
            return fields[-1].end_lineno or 0
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == block.within for target in targets):
            return node.lineno if block.first else (node.end_lineno or 0) - 1
    raise AssertionError(f"{block.file} has no {block.within}")


SECTIONS = sections()


def files(name: str) -> list[str]:
    """The tests of a section."""
    return [block.file for block in SECTIONS[name] if block.file.startswith("tests/")]


@dataclass(frozen=True)
class Tried:
    """A copy of the package with all examples in it, and which of their tests failed before and after."""

    copy: Path
    before: str
    after: str


# All is tried in the set-up of the first: on a busy machine that takes minutes.
pytestmark = pytest.mark.timeout(700)


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """All examples at once: none is in the way of another."""
    copy = tmp_path_factory.mktemp("copy")
    for room in ("harness", "fixtures"):
        shutil.copytree(ROOT / room, copy / room)
    for name in BESIDE:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    blocks = [block for name in SECTIONS for block in SECTIONS[name]]
    tests = {file for name in SECTIONS for file in files(name)}
    _put_all((block for block in blocks if block.file in tests), copy)
    before = _failed(copy, tests)
    _put_all((block for block in blocks if block.file not in tests), copy)
    return Tried(copy=copy, before=before, after=_failed(copy, tests))


def _put_all(blocks: Iterable[Block], copy: Path) -> None:
    for block in blocks:
        put(block, copy)


def _failed(copy: Path, tests: Iterable[str]) -> str:
    quiet = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=short", "-rfE")
    done = run(copy, "-m", "pytest", *quiet, "--rootdir", str(copy), "-c", os.devnull, *sorted(tests))
    assert done.returncode in (0, 1, 2), done.stdout + done.stderr
    return done.stdout


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": f"{copy}:{copy / 'tests' / 'unit'}"}
    return subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=600
    )


@pytest.mark.parametrize("name", SECTIONS)
def test_an_example_works_where_it_says_it_goes(name: str, tried: Tried) -> None:
    assert files(name), "an example without a test shows nothing"
    for file in files(name):
        assert re.search(rf"^(FAILED|ERROR) {file}", tried.before, flags=re.MULTILINE), "it needs no example to work"
        assert not re.search(rf"^(FAILED|ERROR) {file}", tried.after, flags=re.MULTILINE), tried.after
    assert re.search(r"^\d+ passed in", tried.after, flags=re.MULTILINE), tried.after


def test_it_is_the_copy_that_was_tried(tried: Tried) -> None:
    assert run(tried.copy, "-c", "import harness; print(harness.__file__)").stdout.startswith(str(tried.copy))


def test_what_there_will_be_more_of_is_shown() -> None:
    shown = {"mitigation", "rule for causes", "hazard", "provider", "disruption", "path"}
    assert {name.removeprefix("Add a ") for name in SECTIONS} == shown


def test_each_is_one_file_and_few_lines() -> None:
    for name, blocks in SECTIONS.items():
        added = [block for block in blocks if block.file.startswith("harness/")]
        assert len({block.file for block in added}) <= 2, name
        new = [block for block in added if not block.within]
        assert len(new) <= 1, name
        if new:
            (line,) = [block for block in added if block.within]
            assert len(line.code.splitlines()) == 1, name


def test_the_help_names_a_provider_that_was_added(tried: Tried) -> None:
    for command in (("run",), ("trace", "record"), ("trace", "replay")):
        assert "minikube" in run(tried.copy, "-m", "harness", *command, "--help").stdout
    assert "minikube" in run(tried.copy, "-m", "harness", "schema").stdout
    option = run(tried.copy, "-m", "pytest", "-c", os.devnull, "--help").stdout
    assert "minikube" in option.partition("--rollout-cluster")[2].partition("--rollout-worker-image")[0]


def test_the_command_line_has_a_mitigation_that_was_added(tried: Tried) -> None:
    manifest = str(tried.copy / "fixtures" / "manifests" / "nginx.yaml")
    done = run(tried.copy, "-m", "harness", "mitigate", manifest, "--progress-deadline", "90s")
    assert "progressDeadlineSeconds: 90" in done.stdout, done.stderr
