"""Every rule has a page that is current, with a manifest that fails and one that passes `check`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from harness.spec.hazard import HazardId, Row, Severity
from harness.spec.hazards import HAZARDS, row
from harness.spec.images import SERVERS
from scripts.rules.__main__ import pages
from scripts.rules.cases import CASES
from tests.unit.check.command import check

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"


def test_every_page_is_what_the_table_makes_of_it() -> None:
    made = pages()
    there = {f"rules/{page.name}" for page in (DOCS / "rules").glob("*.md")} | {"rules.md"}
    assert there == made.keys()
    assert [name for name, text in made.items() if (DOCS / name).read_text() != text] == []  # python -m scripts.rules
    assert list(CASES) == list(HazardId)


@pytest.mark.parametrize("rule", list(HazardId))
def test_the_manifests_of_its_page_fail_and_pass(rule: HazardId) -> None:
    page = (DOCS / "rules" / f"{rule}.md").read_text()
    fails, passes = re.findall(r"^```yaml\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    severity = row(rule).severity
    found = check(*CASES[rule].told, given=fails)
    assert [one["severity"] for one in found.findings if one["rule"] == rule] == [severity]
    assert found.code == (1 if severity is Severity.ERROR else 0)
    others = {one["rule"] for one in found.findings if one["severity"] == "error"} - {rule}
    assert others == set()
    cured = check(*CASES[rule].told, given=passes)
    assert rule not in {one["rule"] for one in cured.findings}
    assert cured.code == 0


@pytest.mark.parametrize("rule", [each for each in HAZARDS if each.severity is Severity.ERROR], ids=lambda it: it.id)
def test_an_error_is_proved_or_says_from_which_documentation_it_is(rule: Row) -> None:
    assert (CASES[rule.id].proof is not None) != rule.source.startswith("https://")


@pytest.mark.parametrize("rule", HAZARDS, ids=lambda it: it.id)
def test_a_rule_says_what_comes_of_it(rule: Row) -> None:
    assert len(rule.why) > 30
    assert rule.source or CASES[rule.id].proof is not None


def test_what_is_known_of_servers_is_what_their_page_says() -> None:
    page = (DOCS / "servers.md").read_text()
    rows = {cells[0].removesuffix(" *"): cells for cells in _rows(page, "| nginx * | 1.22.1 | SIGQUIT")}
    for server in SERVERS:
        cells = rows[server.title]
        assert (server.version, f"{server.end_s:.1f}") == (cells[1], cells[-1].split(" ")[0])
        in_hand = cells[-3:-1]
        assert server.cuts == any(fate.startswith("closed") for fate in in_hand)
        assert server.deaf == ("SIGKILL" in cells[-1])


def _rows(page: str, first: str) -> list[list[str]]:
    lines = page[page.index(first) :].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_hook_of_pre_commit_runs_the_command() -> None:
    (hook,) = YAML(typ="safe", pure=True).load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook.keys() >= {"id", "name", "entry", "language"}
    assert hook["entry"].split()[1:] == ["check"]
    assert hook["id"] in (DOCS / "rules.md").read_text()
    file = ROOT / "fixtures" / "manifests" / "nginx-both.yaml"
    assert check(*hook.get("args", ()), str(file)).code == 0
