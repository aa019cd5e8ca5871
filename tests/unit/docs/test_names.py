"""Every file, module, function and class that the documentation, a docstring or a comment names exists."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [
    page
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
    if page.exists()
]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "harness").rglob("*.py"))
]
NAMES = {part for module in MODULES for part in module.split(".")}

# What stands in files of the harness's own, or is written by it: no module, though it has a dot in it.
FILES = re.compile(r"\.(json|jsonl|csv|md|html|xml|yaml|yml|toml|txt|in|sh|log)$")
DOTTED = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")
OUR_PATHS = re.compile(r"^(harness|tests|docs|scripts|fixtures|bench)/[\w./-]*$")
PATHS = re.compile(r"^[\w.*-]+(/[\w.*-]+)*/?$")


def quoted(page: Path) -> Iterator[str]:
    """What stands in backticks outside of code blocks."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return (token.strip() for token in re.findall(r"`([^`\n]+)`", text))


def paths(page: Path) -> list[str]:
    """Those that look like paths of the repository: with a folder, or with the name of a Python file."""
    places = {path.name for path in (*ROOT.iterdir(), *(ROOT / "harness").iterdir())} - {"reports"}  # where runs land
    return [
        token
        for token in quoted(page)
        if PATHS.match(token) and (token.endswith(".py") or ("/" in token and token.split("/")[0] in places))
    ]


def names(page: Path) -> list[str]:
    """Those that look like names: `module.name`, where there is such a module."""
    return [token for token in quoted(page) if DOTTED.match(token) and not FILES.search(token) and _is_ours(token)]


def _is_ours(token: str) -> bool:
    return token.split(".")[0] in NAMES and not token.endswith(".py")


def is_there(path: str) -> bool:
    return any((root / path).exists() for root in (ROOT, ROOT / "harness"))


def resolves(name: str) -> bool:
    """Whether some module ends as the name begins, and has what comes after."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(parts[:length])
        for known in MODULES:
            if (known == module or known.endswith(f".{module}")) and _has(
                importlib.import_module(known), parts[length:]
            ):
                return True
    return False


def _has(thing: object, names: list[str]) -> bool:
    for at, name in enumerate(names):
        if not hasattr(thing, name):
            # A field without a default is an attribute of instances only.
            return at == len(names) - 1 and name in _fields(thing)
        thing = getattr(thing, name)
    return True


def _fields(thing: object) -> set[str]:
    if dataclasses.is_dataclass(thing):
        return {field.name for field in dataclasses.fields(thing)}
    return set(getattr(thing, "model_fields", ()))


def said(source: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Every docstring and comment of a module, each with the parameters of the function that it is about."""
    tree = ast.parse(source)
    about = {function.body[0]: _parameters(function) for function in ast.walk(tree) if isinstance(function, FUNCTION)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value, about.get(node, frozenset())
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string, frozenset()


FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    named = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return frozenset(argument.arg for argument in named)


def dangling(source: str) -> list[str]:
    """What a module's docstrings and comments name that is not there.

    That is: a name in backticks that begins with a module of ours (and with no parameter of the function, whose field
    it would be); one that begins with `harness.`, also without; a path in backticks that begins with a folder of ours.
    """
    found: list[str] = []
    for text, parameters in said(source):
        quoted = re.findall(r"`([^`\n]+)`", text)
        dotted = [token for token in quoted if DOTTED.match(token) and token.split(".")[0] not in parameters]
        whole = re.findall(r"\bharness(?:\.[A-Za-z_]\w*)+", text)
        ours = dict.fromkeys(token for token in (*dotted, *whole) if not FILES.search(token) and _is_ours(token))
        found += [name for name in ours if not resolves(name)]
        found += [token for token in quoted if OUR_PATHS.match(token) and not is_there(token)]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_is_named_exists(page: Path) -> None:
    assert [path for path in paths(page) if not is_there(path)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_name_that_is_named_exists(page: Path) -> None:
    assert [name for name in names(page) if not resolves(name)] == []


def test_every_name_in_a_docstring_or_a_comment_exists() -> None:
    sources = [*(ROOT / "harness").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]
    found = {str(path.relative_to(ROOT)): dangling(path.read_text()) for path in sources}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (
            '"""The keys are those of `harness.analysis.pooling.comparisons`."""',
            ["harness.analysis.pooling.comparisons"],
        ),
        ('def f():\n    """As `pooling.comparisons` has them."""', ["pooling.comparisons"]),
        ('A = 1\n"""See `experiment.nothing`."""', ["experiment.nothing"]),
        ("A = 1  # as harness.load.pacer.Schedule.over_it says", ["harness.load.pacer.Schedule.over_it"]),
        ("# A file beside `harness/nowhere/`.", ["harness/nowhere/"]),
        ('"""`experiment.comparisons`, `harness.load.pacer`, `harness/load/pacer.py`, `result.json`, `a.b`."""', []),
        ('def f(requests):\n    """A row of `requests.failures`."""', []),
    ],
)
def test_a_docstring_that_names_what_is_not_there_is_found_out(source: str, found: list[str]) -> None:
    assert dangling(source) == found


def test_the_journey_names_what_it_passes() -> None:
    architecture = ROOT / "docs" / "architecture.md"
    assert len(paths(architecture)) > 60
    assert len(names(architecture)) > 40


@pytest.mark.parametrize(
    ("file", "begin", "called"),
    [
        (
            "analysis/scenario.py",
            "seen = ",
            "observe explain attribute counted accounts conclusion propagation sizing failed_requests",
        ),
        (
            "judged_runs.py",
            "run = read_run",
            "judge write_scenario_result write_scenario pool judge_experiment write_experiment",
        ),
    ],
)
def test_the_journey_passes_the_functions_in_the_order_in_which_they_are_called(
    file: str, begin: str, called: str
) -> None:
    source = (ROOT / "harness" / file).read_text()
    journey = (ROOT / "docs" / "architecture.md").read_text().partition("## The journey")[2]
    for text, form in ((source.partition(begin)[2], r"(?<![\w.]){}\("), (journey, r"\.{}`")):
        places = [re.search(form.format(name), text) for name in called.split()]
        assert all(places), places
        assert [place.start() for place in places if place] == sorted(place.start() for place in places if place)


@pytest.mark.parametrize("name", ["pacer.Schedule.over_it", "pacer.nothing", "run.Run.no_field", "nowhere.at_all"])
def test_a_name_that_is_not_there_is_found_out(name: str) -> None:
    assert not resolves(name)


@pytest.mark.parametrize(
    "name", ["pacer.Schedule.at", "run.RunInfo.experiment", "harness.judged_runs", "causes.explained"]
)
def test_a_name_that_is_there_is_found(name: str) -> None:
    assert resolves(name)


def test_no_file_refers_to_a_page_that_is_not_part_of_the_repository() -> None:
    listed = [path for room in ("harness", "tests", "docs", "scripts", "bench") for path in (ROOT / room).rglob("*.*")]
    texts = [path for path in listed if path.suffix in (".py", ".md", ".sh") and path != Path(__file__)]
    referred = {(path, page) for path in texts for page in re.findall(r"\bdocs/[\w-]+\.md\b", path.read_text())}
    assert {(path.name, page) for path, page in referred if not (ROOT / page).exists()} == set()
    assert len({page for _, page in referred}) >= 4


@pytest.mark.parametrize(
    ("question", "what_decides_it"),
    [
        ("the cause of a failure decided", "Row("),
        ("the cause of a failure decided", "def causes("),
        ("a manifest's preStop read", "def hook_takes_s("),
        ("a preStop recommended", "def sizes("),
        ("a kind cluster made", '"kind", "create", "cluster"'),
        ("a rollout begun", "def planned("),
        ("a verdict reached", "def conclusion("),
        ("a verdict reached", "def pool("),
        ("which failures a rollout answers for", "def attribute("),
        ("the exit code decided", "def _exit_code("),
        ("the exit code decided", "ExitCode.USAGE if self._interrupted"),
        ("an experiment file read", "class Experiment(Record)"),
        ("a verdict reached", "def judge_experiment("),
        ("a verdict's words come from", "def bound_sentence("),
        ("a verdict's words come from", "were not seen to go"),
        ("a verdict's words come from", "dropped nothing, so an outage would not have been seen"),
        ("a verdict's words come from", "in run {i} of"),
        ("a verdict's words come from", "s.sentence"),
        ("one failed request come from", "def sentences("),
    ],
)
def test_a_stranger_finds_it_in_two_files_after_the_readme(question: str, what_decides_it: str) -> None:
    assert "(docs/architecture.md)" in (ROOT / "README.md").read_text()
    lines = (ROOT / "docs" / "architecture.md").read_text().splitlines()
    (row,) = [line for line in lines if line.startswith("| Where") and question in line]
    places = [ROOT / "harness" / path for path in re.findall(r"`([\w/]+(?:\.py|/))`", row)]
    files = [file for place in places for file in ([place] if place.is_file() else sorted(place.glob("*.*")))]
    assert any(what_decides_it in file.read_text() for file in files), files
