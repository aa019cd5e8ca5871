"""`python -m scripts.rules`: writes docs/rules.md and docs/rules/*.md anew."""

from __future__ import annotations

from pathlib import Path

from harness.spec.hazards import HAZARDS
from scripts.rules.page import index, page

DOCS = Path(__file__).parents[2] / "docs"


def pages() -> dict[str, str]:
    """Every page by its path below docs/."""
    return {"rules.md": index(), **{f"rules/{row.id}.md": page(row) for row in HAZARDS}}


if __name__ == "__main__":
    (DOCS / "rules").mkdir(exist_ok=True)
    for old in (DOCS / "rules").glob("*.md"):
        old.unlink()
    for name, text in pages().items():
        (DOCS / name).write_text(text)
