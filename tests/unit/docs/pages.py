"""The pages of the documentation, and what stands in them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)


def name(page: Path) -> str:
    """As it is called in the repository."""
    return str(page.relative_to(ROOT))


@cache
def text(page: Path) -> str:
    """All of it."""
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """Without what stands in fences."""
    return _FENCE.sub("", text(page))


def fences(page: Path) -> list[tuple[str, str]]:
    """Each fence: its language and what stands in it, in the order of the page."""
    return [(language, code) for _, language, code in _FENCE.findall(text(page))]


@cache
def anchors(page: Path) -> frozenset[str]:
    """The headings, as GitHub and the site make anchors of them."""
    found: dict[str, int] = {}
    headings = re.findall(r"^#{1,6} +(.+?)\s*$", prose(page), flags=re.MULTILINE)
    for heading in headings:
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        found[slug] = found.get(slug, 0) + 1
    return frozenset(f"{slug}-{n}" if n else slug for slug, times in found.items() for n in range(times))
