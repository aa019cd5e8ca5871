"""The body of an answer, part by part -> whether it has the text that a good one has."""

from __future__ import annotations


class Wanted:
    """Looks for a text in a body as it comes, without keeping more of it than could be the text's beginning.

    >>> body = Wanted(b"true")
    >>> for part in (b'{"ok": t', b"ru", b"e}"): body.read(part)
    >>> body.found
    True
    """

    __slots__ = ("_last", "_text", "found")

    def __init__(self, text: bytes) -> None:
        self._text, self._last = text, b""
        self.found = False

    def read(self, part: bytes) -> None:
        """Take in the next part."""
        if self.found:
            return
        joined = self._last + part
        self.found = self._text in joined
        self._last = joined[-(len(self._text) - 1) :] if len(self._text) > 1 else b""
