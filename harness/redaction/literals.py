"""Many literal strings -> one regular expression that finds the longest of them at each place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from os.path import commonprefix


def any_of(literals: Iterable[str]) -> re.Pattern[str]:
    """The expression; of no literals one that finds nothing.

    The strings are laid out as a tree by their letters: `re` tries the alternatives of a plain `a|b|...` one after the
    other at each place of a text, and there are six forms of each secret.

    >>> [match[0] for match in any_of(["cat", "catalogue", "dog"]).finditer("catalogues, cats, dogs")]
    ['catalogue', 'cat', 'dog']
    """
    words = sorted({word for word in literals if word})
    return re.compile(_tree(words) if words else r"(?!)")


def _tree(words: list[str]) -> str:
    """The expression of sorted words, the first of which may be empty: then all of the rest is optional."""
    if len(words) == 1:
        return re.escape(words[0])
    if shared := commonprefix(words):  # noqa: RUF071 - of words, not of paths
        return re.escape(shared) + _tree([word[len(shared) :] for word in words])
    ends_here = not words[0]
    branches = [_tree(list(group)) for _, group in groupby(words[ends_here:], key=lambda word: word[0])]
    return f"(?:{'|'.join(branches)}){'?' if ends_here else ''}"
