"""An expression of GitHub Actions and the contexts -> its value; only what action.yml and .github/workflows use.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/expressions. Strings are compared without
regard to case there, and what no context has is empty; here a context that is not given is an error, so that a
misspelt one is found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|(==|!=|&&|\|\||[!().,])|(-?\d+(?:\.\d+)?)|([A-Za-z_][\w-]*))")
_INSERTED = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_STATUS = ("success", "failure", "always", "cancelled")
_WORDS = {"true": True, "false": False, "null": None}


class Unreadable(Exception):
    """An expression beyond what is used here, or about what there is not."""


def inserted(text: str, contexts: Mapping[str, Any], *, failed: bool = False) -> Any:
    """A text with the values of its `${{ ... }}`; the value itself where it is nothing else."""
    whole = _INSERTED.fullmatch(text.strip())
    if whole:
        return evaluated(whole[1], contexts, failed=failed)
    return _INSERTED.sub(lambda found: as_text(evaluated(found[1], contexts, failed=failed)), text)


def holds(condition: str | None, contexts: Mapping[str, Any], *, failed: bool) -> bool:
    """Whether a step with this `if:` runs; one that asks no status function runs where none failed before it."""
    if condition is None:
        return not failed
    text = str(condition).strip()
    whole = _INSERTED.fullmatch(text)
    text = whole[1] if whole else text
    value = bool(evaluated(text, contexts, failed=failed))
    asks = any(re.search(rf"\b{name}\s*\(", text) for name in _STATUS)
    return value and (asks or not failed)


def evaluated(text: str, contexts: Mapping[str, Any], *, failed: bool = False) -> Any:
    """The value of one expression."""
    reader = _Reader(text, contexts, failed)
    value = reader.either()
    if reader.tokens:
        raise Unreadable(f"{text}: not understood from {reader.tokens[0]}")
    return value


def as_text(value: Any) -> str:
    """As GitHub writes a value into a text."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Reader:
    def __init__(self, text: str, contexts: Mapping[str, Any], failed: bool) -> None:
        self.contexts, self.failed = contexts, failed
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise Unreadable(f"{text}: not understood from {text[at:]}")
            kind = ("text", "sign", "number", "name")[(found.lastindex or 1) - 1]
            self.tokens.append((kind, found[found.lastindex or 1]))
            at = found.end()

    def either(self) -> Any:
        value = self.both()
        while self._took("||"):
            other = self.both()
            value = value or other
        return value

    def both(self) -> Any:
        value = self.equal()
        while self._took("&&"):
            other = self.equal()
            value = value and other
        return value

    def equal(self) -> Any:
        value = self.single()
        for sign in ("==", "!="):
            if self._took(sign):
                same = as_text(value).lower() == as_text(self.single()).lower()
                return same if sign == "==" else not same
        return value

    def single(self) -> Any:
        if self._took("!"):
            return not self.single()
        if self._took("("):
            value = self.either()
            self._expect(")")
            return value
        kind, text = self.tokens.pop(0)
        if kind == "text":
            return text.replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind != "name":
            raise Unreadable(f"{text} stands where a value should")
        if text in _WORDS:
            return _WORDS[text]
        return self._called(text) if self._took("(") else self._context(text)

    def _called(self, name: str) -> bool:
        self._expect(")")
        if name not in _STATUS:
            raise Unreadable(f"{name}() is not known here")
        return {"always": True, "success": not self.failed, "failure": self.failed, "cancelled": False}[name]

    def _context(self, name: str) -> Any:
        if name not in self.contexts:
            raise Unreadable(f"there is no context {name} here")
        value: Any = self.contexts[name]
        path = name
        while self._took("."):
            _, key = self.tokens.pop(0)
            if path in ("inputs", "matrix") and key not in value:
                raise Unreadable(f"there is no {path}.{key}")
            if path == "steps" and key not in value:
                raise Unreadable(f"no step before it has the id {key}")
            path, value = f"{path}.{key}", value.get(key) if isinstance(value, Mapping) else None
        return value

    def _took(self, sign: str) -> bool:
        if self.tokens and self.tokens[0] == ("sign", sign):
            self.tokens.pop(0)
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._took(sign):
            raise Unreadable(f"{sign} is missing")
