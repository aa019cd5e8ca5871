"""Every snippet of every page is right: commands parse, and run where they need no cluster; YAML is what it is shown
for; Python is collected by pytest."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from ruamel.yaml import YAML
from typer.testing import CliRunner

from harness.cli.app import PROGRAM, app
from harness.fixture_files import fixtures
from harness.model.experiment import Experiment
from harness.spec.shape import misshapen
from tests.unit.docs.pages import DOCS, PAGES, ROOT, fences, name, text

pytest_plugins = ["pytester"]

COMMAND = typer.main.get_command(app)
SHOWN = [page for page in PAGES if page.parent.name != "rules"]  # those are made of cases that tests of their own run
CONTRIBUTING = ROOT / "CONTRIBUTING.md"  # its Python is run by test_contributing
LANGUAGES = {"console", "yaml", "python", "text", ""}
KUBECTL = {"apply", "cp", "create", "delete", "expose", "get", "logs", "rollout", "wait"}
OTHERS = {"helm": {"template"}, "git": {"clone"}, "docker": {"push"}, ".": set(), "cd": set()}


def console_lines() -> list[tuple[str, str]]:
    """Every command that a page shows, with its page."""
    return [
        (name(page), line.removeprefix("$ "))
        for page in SHOWN
        for language, code in fences(page)
        if language == "console"
        for line in code.splitlines()
        if line.startswith("$ ")
    ]


def programs(line: str) -> Iterator[list[str]]:
    """The words of each program on a line, without what stands before it."""
    words = shlex.split(line, comments=True)
    while words:
        ends = [at for at, word in enumerate(words) if word in ("|", "&&", ">")]
        end = ends[0] if ends else len(words)
        program = words[:end]
        while program and (re.match(r"^[A-Z_]+=", program[0]) or program[0] == "sudo"):
            program = program[1:]
        yield [program[0].removeprefix(".venv/bin/"), *program[1:]]
        after = words[end + 2 :] if words[end : end + 1] == [">"] else words[end + 1 :]
        words = after


def ours(words: list[str]) -> tuple[Any, list[str]]:
    """The command that is meant, and what is given to it."""
    command: Any = COMMAND
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, words
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize(("page", "line"), console_lines())
def test_a_command_is_one(page: str, line: str) -> None:
    for program, *words in programs(line):
        if program == PROGRAM:
            command, given = ours(words)
            command.make_context(PROGRAM, list(given))  # raises what the user would see
        elif program == "kubectl":
            verbs = [word for at, word in enumerate(words) if not word.startswith("-") and words[at - 1 : at] != ["-n"]]
            assert verbs[0] in KUBECTL, line
        elif program == "make":
            targets = [word for word in words if "=" not in word]
            makefile = text(ROOT / "Makefile")
            assert all(re.search(rf"^{re.escape(one)}:", makefile, flags=re.MULTILINE) for one in targets), line
        elif program in ("python", "pytest", "ruff", "mypy", "lint-imports"):
            assert all((ROOT / word).exists() for word in words if word.startswith("tests/")), line
        else:
            assert program in OTHERS, line
            assert not OTHERS[program] or words[0] in OTHERS[program], line


@pytest.mark.parametrize("line", ["rollout-harness run --no-such", "rollout-harness walk", "rollout-harness report"])
def test_a_command_that_is_none_is_found_out(line: str) -> None:
    with pytest.raises(Exception, match=r"No such|walk|Missing"):
        test_a_command_is_one("", line)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands of the pages find where they are typed: an experiment, its manifest, and a run of it."""
    here = tmp_path_factory.mktemp("shop")
    manifest = (fixtures() / "manifests" / "nginx.yaml").read_text()
    (here / "deploy").mkdir()
    (here / "deploy" / "shop.yaml").write_text(manifest.replace("name: web", "name: shop"))
    (here / "shop.yaml").write_text(next(code for _, code in fences(DOCS / "start.md") if "version: 1" in code))
    for run in ("demo/default", "shop/default"):
        recording = ROOT / "tests" / "recordings" / "default-3replicas-sync1s"
        shutil.copytree(recording, here / "reports" / run)
    return here


RUNS = ("check deploy/", "mitigate", "schema", "run shop.yaml --dry-run", "explain")


NOT_STAGED = re.compile(r" \| | --request | --rollout ")
"""What asks for a pipe, or for a request or a rollout that the staged run has not."""


def runnable() -> list[str]:
    """Those that need no cluster and no more than what `place` has, each once."""
    lines = (line.partition("  #")[0].strip() for _, line in console_lines())
    wanted = re.compile(rf"^{PROGRAM} ({'|'.join(RUNS)})")
    return sorted({line for line in lines if wanted.match(line) and not NOT_STAGED.search(line)})


@pytest.mark.parametrize("line", runnable())
def test_a_command_that_needs_no_cluster_runs(line: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    (words,) = ([program, *rest] for program, *rest in programs(line))
    done = CliRunner().invoke(app, words[1:], catch_exceptions=True)
    told = f"{line}\n{done.output}\n{done.exception!r}"
    assert done.exit_code in ((0, 1) if words[1] == "check" else (0,)), told
    assert done.output.strip(), told


def test_there_are_such() -> None:
    assert len(runnable()) >= 8


def yaml_blocks() -> list[tuple[str, str]]:
    """Every YAML snippet with its page."""
    return [(name(page), code) for page in SHOWN for language, code in fences(page) if language == "yaml"]


@pytest.mark.parametrize(("page", "code"), yaml_blocks())
def test_yaml_is_what_it_is_shown_for(page: str, code: str) -> None:
    if "version: 1\n" in code:
        Experiment.model_validate(_yaml(code))
    elif page == "docs/ci.md":
        known = set(_yaml(text(ROOT / "action.yml"))["inputs"])
        steps = re.findall(r"uses: OWNER/\S+\n\s+with:(.*?)(?=\n\s*- |\Z)", code, flags=re.DOTALL)
        given = {key for step in steps for key in re.findall(r"(?:^\s+|[{,]\s*)([\w-]+): ", f"\n{step}", flags=re.M)}
        assert given <= known
        assert steps or "rollout-harness run" in code
    elif code.startswith("repos:"):
        hooks = {hook["id"] for hook in _yaml(text(ROOT / ".pre-commit-hooks.yaml"))}
        assert {hook["id"] for repo in _yaml(code)["repos"] for hook in repo["hooks"]} <= hooks
    elif code.startswith("spec:"):
        assert not misshapen(_deployment(_yaml(code)["spec"]))
    else:
        for entry in re.split(r"^(?=[a-z])", code, flags=re.MULTILINE):
            if entry.strip():
                Experiment.model_validate(_BASE | _yaml(entry))


_BASE = {
    "version": 1,
    "name": "shop",
    "manifests": ["shop.yaml"],
    "service": {"name": "shop", "port": 80},
    "load": {"new": {"rate": 1}},
}


def _yaml(code: str) -> Any:
    return YAML(typ="safe", pure=True).load(code)


def _deployment(spec: dict[str, Any]) -> dict[str, Any]:
    """A Deployment of which the snippet shows a part."""
    template = {"metadata": {"labels": {"app": "shop"}}, **spec.get("template", {})}
    whole = {"selector": {"matchLabels": {"app": "shop"}}, **spec, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}, "spec": whole}


def test_a_deployment_that_is_none_is_found_out() -> None:
    assert misshapen(_deployment({"template": {"spec": {"containers": "shop"}}}))


def python_blocks() -> list[tuple[str, str]]:
    """Every Python snippet with its page."""
    shown = [page for page in SHOWN if page != CONTRIBUTING]
    return [(name(page), code) for page in shown for language, code in fences(page) if language == "python"]


@pytest.mark.parametrize(("page", "code"), python_blocks())
def test_python_is_collected_and_finds_its_fixtures(page: str, code: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(code)
    pytester.runpytest("--setup-plan", "-q", "-p", "no:cacheprovider").assert_outcomes()
    assert python_blocks()


def test_python_that_asks_for_no_fixture_of_ours_is_found_out(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(rolled): pass")
    pytester.runpytest("--setup-plan", "-q", "-p", "no:cacheprovider").assert_outcomes(errors=1)


def test_every_fence_says_what_it_is() -> None:
    found = {(name(page), language) for page in SHOWN for language, _ in fences(page) if language not in LANGUAGES}
    assert found == set()
