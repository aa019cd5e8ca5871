"""Turns text from a cluster, a server or a user into text that can do no harm where it is shown."""

import re
import unicodedata
from typing import Final

from markupsafe import Markup, escape

from harness.model.request import Outcome
from harness.model.result import Cause

_MARKDOWN_SPECIAL: Final = re.compile(r"[\\`*_\[\]<&|~$]")
_WORDS: Final = sorted((str(word) for word in (*Cause, *Outcome) if "-" in word), key=len, reverse=True)
_HYPHENATED: Final = re.compile(rf"(?<![\w-])(?:{'|'.join(_WORDS)})(?![\w-])")
_ASTRAL: Final = re.compile("[\U00010000-\U0010ffff]")
_REPLACEMENT: Final = "\ufffd"
_MARKDOWN_BLOCK: Final = re.compile(r"^(?:[#+=>-]|\d+(?=[.)](?:\s|$)))")


def visible(text: object) -> str:
    """One line without a character that a terminal, a browser or an XML parser would act upon.

    Control, format (bidirectional overrides, zero width), surrogate, private and unassigned characters and the line
    separators become their escapes ("\\x1b"); every other kind of white space becomes a plain space.

    >>> print(visible("web\\x1b[31m"))
    web\\x1b[31m
    """
    line = str(text)
    if line.isascii() and line.isprintable():
        return line
    return "".join(_visible_character(c) for c in line)


def _visible_character(character: str) -> str:
    if " " <= character <= "~":
        return character
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category[0] == "C" or category in ("Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character


def label(text: str) -> str:
    """Foreign text that Vega is given in a list, as a title or a domain.

    With a space at its end, for there Vega takes the bare word "if" for the name of a signal, and fails. Characters
    that UTF-16 writes in two halves are replaced: where Vega shortens a label between the halves, it fails too.
    """
    return f"{_ASTRAL.sub(_REPLACEMENT, visible(text))} "


def lines(text: str) -> Markup:
    """HTML of a text of several lines: every line as `visible` has it, escaped."""
    return Markup("\n").join(visible(line) for line in text.split("\n"))


def unbroken(text: object) -> Markup:
    """HTML of a line in which no cause and no outcome ("termination-race") is broken at its hyphens."""
    return Markup(_HYPHENATED.sub(r'<span class="word">\g<0></span>', str(escape(visible(text)))))


def markdown(text: object) -> str:
    """The same words in GitHub's Markdown, in a paragraph, a list or a table cell: nothing in them is markup.

    A comment behind each @ keeps GitHub from telling somebody of that name. Text that already is `Markup` stays.
    """
    if isinstance(text, Markup):
        return str(text)
    line = _MARKDOWN_SPECIAL.sub(r"\\\g<0>", " ".join(visible(text).split(" ")).strip())
    block = _MARKDOWN_BLOCK.match(line)
    if block:
        line = f"\\{line}" if not line[0].isdigit() else f"{line[: block.end()]}\\{line[block.end() :]}"
    return line.replace("@", "@<!-- -->")
