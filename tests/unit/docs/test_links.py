"""Every link of every page leads to a file and a heading that are there, and every page can be reached."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.docs.pages import DOCS, PAGES, ROOT, anchors, name, prose

LINK = re.compile(r"\]\((?!\w+:)([^)\s]*)\)")


def broken(page: Path) -> list[str]:
    """The links that lead nowhere."""
    found = []
    for link in LINK.findall(prose(page)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_found_out(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Some words: a `b.c`\n[a](#some-words-a-bc) [b](#c) [d](e.md) [f](page.md#g) [h](https://i.j/k)\n"
    )
    assert broken(page) == ["#c", "e.md", "page.md#g"]


def test_every_page_is_in_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    listed = re.findall(r"- ([\w/-]+\.md)$", nav, flags=re.MULTILINE)
    assert sorted(listed) == sorted(page.name for page in DOCS.glob("*.md")), "mkdocs.yml has the list"
    assert len(set(listed)) == len(listed)


def test_every_rule_is_reached_from_the_page_of_rules() -> None:
    linked = set(LINK.findall(prose(DOCS / "rules.md")))
    assert {f"rules/{page.name}" for page in (DOCS / "rules").iterdir()} <= linked
