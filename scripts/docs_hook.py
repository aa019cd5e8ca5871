"""What MkDocs does besides (`hooks` in mkdocs.yml): files outside of docs/ that pages link to come with the site, and
Markdown that GitHub shows as a table or a list, and MkDocs as text, is a warning, which ends the build."""

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(?<=\]\()(\.\./[^)#\s]+)(?=\))")
BESIDE = "repository"
AS_TEXT = re.compile(r"<p>(?:(?!</p>).)*?(?:^|\n)((?:[-*] |\d+\. |\|)(?:(?!</p>|\n).)*)", re.DOTALL)

log = logging.getLogger("mkdocs.hooks.docs")


def outside(page: str, link: str) -> str | None:
    """The path in the repository of what a page links to, where that is a file outside of docs/."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    return path if not path.startswith("docs/") and (ROOT / path).is_file() else None


def on_files(files: Files, config: Any) -> Files:
    """Take in what pages link to outside of docs/."""
    for page in files.documentation_pages():
        for link in LINK.findall(page.content_string):
            path = outside(page.src_uri, link)
            if path is not None and files.get_file_from_path(f"{BESIDE}/{path}") is None:
                files.append(File.generated(config, f"{BESIDE}/{path}", abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links out of docs/ to what was taken in."""

    def led(found: re.Match[str]) -> str:
        path = outside(page.file.src_uri, found[1])
        return found[1] if path is None else "../" * page.file.src_uri.count("/") + f"{BESIDE}/{path}"

    return LINK.sub(led, markdown)


def on_page_content(html: str, page: Any, **_: Any) -> None:
    """Warn of what was meant for a table or a list, and is none here."""
    for line in AS_TEXT.findall(re.sub(r"<pre.*?</pre>", "", html, flags=re.DOTALL)):
        log.warning("%s: no blank line before a list or table: %s", page.file.src_uri, line[:60])
