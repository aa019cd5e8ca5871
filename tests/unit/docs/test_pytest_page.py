"""docs/pytest.md has every argument, default, option, ini key and attribute of the plugin, and none besides."""

from __future__ import annotations

import dataclasses
import inspect
import re

from harness.pytest_plugin import fixtures, options
from harness.pytest_plugin.options import INCONCLUSIVE, Settings
from harness.pytest_plugin.protocol import Rollout
from harness.pytest_plugin.result import RolloutResult
from tests.unit.docs.pages import DOCS, text

PAGE = text(DOCS / "pytest.md")
ARGUMENTS = {
    name: parameter for name, parameter in inspect.signature(Rollout.__call__).parameters.items() if name != "self"
}


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head; a bar that is escaped is part of its cell."""
    lines = re.findall(r"^\| `.*$", section(heading), flags=re.MULTILINE)
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_every_argument_of_rollout_is_there_and_no_other() -> None:
    assert sorted(name.strip("`") for name, _, _ in rows("`rollout(...)`")) == sorted(ARGUMENTS)


def test_a_default_that_is_given_is_the_one_that_holds() -> None:
    given = {name.strip("`"): default for name, _, default in rows("`rollout(...)`")}
    for name, parameter in ARGUMENTS.items():
        default = parameter.default
        if isinstance(default, str):
            assert given[name] == f'`"{default}"`' or default in given[name], name
        elif isinstance(default, int):
            assert given[name] == str(default), name
        else:
            assert default in (None, ()), name  # what that means is said in words


def test_every_option_has_its_key_and_its_marker() -> None:
    said = [
        (re.split(r"[=`]", option)[1], key.strip("`"), marker.strip("`="))
        for option, key, marker, _ in rows("Options, ini keys, marker")
    ]
    settings = [field.name for field in dataclasses.fields(Settings)]
    assert said == [(f"--rollout-{name.replace('_', '-')}", f"rollout_{name}", name) for name in settings]
    assert all(f"{name}=" in options.MARKER for name in settings)


def test_what_an_inconclusive_run_may_do_is_said() -> None:
    assert rf"`--rollout-inconclusive={'|'.join(INCONCLUSIVE)}`".replace("|", r"\|") in PAGE


def test_every_attribute_of_a_result_is_there_and_no_other() -> None:
    fields = {field.name for field in dataclasses.fields(RolloutResult) if not field.name.startswith("_")}
    public = {name for name in vars(RolloutResult) if not name.startswith("_")}
    told = section("The result").split("\n\n")[0]
    assert {
        name.removeprefix("result.").removesuffix("()") for name in re.findall(r"`([^`]+)`", told)
    } == fields | public


def test_every_fixture_that_is_told_of_is_there() -> None:
    told = set(re.findall(r"^- `(\w+)`", section("Other fixtures"), flags=re.MULTILINE))
    there = set(re.findall(r"@pytest\.fixture[^\n]*\ndef ([a-z]\w*)", inspect.getsource(fixtures)))
    assert told
    assert {"rollout", *told} <= there
