"""What is about to be written, and all secrets met so far -> the same with a digest in place of each secret."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from harness.model.request import COLUMNS
from harness.redaction import in_text
from harness.redaction.common import SHORTEST, is_common
from harness.redaction.forms import forms, parts
from harness.redaction.in_objects import HARMLESS_HEADERS, Places, names_in
from harness.redaction.literals import any_of

_REMEMBERED = 4096
_LONGEST_REMEMBERED = 4096
_AFTER_POD = len(COLUMNS) - COLUMNS.index("pod")
assert COLUMNS[COLUMNS.index("pod") + 1] == "via"

_CELL = 70
"""A cell of so many letters may have been cut (`load.records.safe`), and a message of so many by the kubelet or API."""

_MESSAGE = 1000
_LEAST_OF_A_CUT = 8

_DIGEST = re.compile(r"<redacted [a-z0-9]+:[0-9a-f]+>")


def without_digests(text: str) -> str:
    """A text with one word in place of each digest: those of two processes cannot be compared.

    >>> without_digests("--token=<redacted hmac:2a3152cb>")
    '--token=<redacted>'
    """
    return _DIGEST.sub("<redacted>", text)


class Redaction:
    """The one door to all that is written. What it replaced once, it replaces from then on wherever it turns up.

    In place of a value stands a digest with this object's key, which is written nowhere: equal values look equal in all
    that went through the same door, and nobody can try passwords against a digest.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self._learned: set[tuple[str, bool]] = set()
        self._digests: dict[str, str] = {}  # a form of a secret -> what stands in its place
        self._public: set[str] = set()
        self._found: re.Pattern[str] | None = None
        self._texts: dict[str, str] = {}
        self._cells: dict[tuple[bytes, bytes], tuple[bytes, bytes] | None] = {}
        self._writing = Places(self._secret, self.digest, self.text)
        self._learning = Places(self._secret, self.digest, self._by_form)

    def digest(self, value: object) -> str:
        """What stands in place of a value; of a digest itself."""
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
        if _DIGEST.fullmatch(text):
            return text
        mac = hmac.new(self._key, text.encode(errors="surrogatepass"), hashlib.sha256)
        return f"<redacted hmac:{mac.hexdigest()[:8]}>"

    def know_names(self, names: Iterable[str]) -> None:
        """Words that everybody may know: a secret that is part of one is not looked for elsewhere."""
        self._public.update(names)

    def learn(self, value: str, *, surely: bool = True) -> None:
        """Replace this value from now on; see `is_common` for what is not."""
        if (value, surely) in self._learned:
            return
        self._learned.add((value, surely))
        for part in parts(value):
            if "<redacted " in part or is_common(part, surely=surely) or any(part in name for name in self._public):
                continue
            for form in forms(part):
                if form not in self._digests:
                    self._digests[form] = self.digest(part)
                    self._found = None
        if self._found is None:
            self._texts.clear()
            self._cells.clear()

    def learn_header(self, name: str, value: str) -> None:
        """Replace the value of a header of the load, unless it is one that tells nothing."""
        if name.lower() not in HARMLESS_HEADERS:
            self.learn(value)

    def learn_manifests(self, manifests: Iterable[Mapping[str, Any]]) -> None:
        """Take in what is secret in them, and which names are known, before anything is written."""
        known = [dict(manifest) for manifest in manifests]
        self.know_names(names_in(known))
        self._learning.cleaned(known)

    def object(self, given: dict[str, Any]) -> dict[str, Any]:
        """An object of the API, a manifest or a mark without secrets; the one that is passed in stays as it was.

        Hidden by their place: values of `env`, data of Secrets, headers of probes and hooks, last-applied
        configurations, values under names such as `password`, every word of `command` and `args` but `sleep N`. Of
        hooks, which the judge reads, what is an argument such as `--password=...`. Everywhere: what was found before.
        """
        if given.get("kind") == "Pod":
            self._public.add(str((given.get("metadata") or {}).get("name")))
        self._learning.cleaned(given)
        cleaned: dict[str, Any] = self._writing.cleaned(given)
        return cleaned

    def text(self, text: str) -> str:
        """A text without secrets, by their form and by value."""
        if (known := self._texts.get(text)) is not None:
            return known
        clean = self.by_value(self._by_form(text))
        if len(text) >= _MESSAGE:
            clean = self._without_torn(clean)
        if len(text) <= _LONGEST_REMEMBERED:
            if len(self._texts) >= _REMEMBERED:
                self._texts.clear()
            self._texts[text] = clean
        return clean

    def by_value(self, text: str) -> str:
        """A text in which what was found before is replaced, and nothing else."""
        if len(text) < SHORTEST or not self._digests:
            return text
        if self._found is None:
            self._found = any_of(self._digests)
        return self._found.sub(self._instead, text)

    def row(self, line: bytes) -> bytes:
        """A row of requests.csv: what the application said of itself, in `pod` and `via`, may echo what it was sent."""
        cells = line.rsplit(b",", _AFTER_POD)
        if len(cells) <= _AFTER_POD:
            return line
        said = cells[1], cells[2]
        try:
            clean = self._cells[said]
        except KeyError:
            clean = self._cells_cleaned(said)
        return line if clean is None else b",".join([cells[0], *clean, *cells[3:]])

    def _cells_cleaned(self, said: tuple[bytes, bytes]) -> tuple[bytes, bytes] | None:
        """The cells of `pod` and `via`; None where they stay as they are."""
        pod, via = (self._cell(cell.decode(errors="replace")).encode() for cell in said)
        clean = None if (pod, via) == said else (pod, via)
        if len(self._cells) >= _REMEMBERED:
            self._cells.clear()
        self._cells[said] = clean
        return clean

    def _cell(self, text: str) -> str:
        if text in self._public:
            return text
        clean = self.text(text)
        return self._without_torn(clean) if len(text) >= _CELL else clean

    def _by_form(self, text: str) -> str:
        return in_text.replaced(text, lambda value: self._secret(value, True))

    def _secret(self, value: Any, surely: bool) -> str:
        if isinstance(value, str):
            self.learn(value, surely=surely)
        return self.digest(value)

    def _instead(self, match: re.Match[str]) -> str:
        """The digest; a word of letters alone, or one that looks like it, is no secret as a part of another."""
        form, text = match[0], match.string
        if form.isalpha():
            around = text[max(0, match.start() - 1) : match.start()] + text[match.end() : match.end() + 1]
            if any(map(str.isalnum, around)):
                return form
        return self._digests[form]

    def _without_torn(self, text: str) -> str:
        """A text whose ends may have been cut off, without what is left there of a secret."""
        for form, digest in self._digests.items():
            if length := _overlap(text, form):
                text = text[:-length] + digest
            if length := _overlap(form, text):
                text = digest + text[length:]
        return text


def _overlap(first: str, second: str) -> int:
    """How many letters at the end of `first` are those at the beginning of `second`; 0 where they are few.

    >>> _overlap("it said hunter2-and", "hunter2-and-more"), _overlap("it said hunt", "hunter2-and-more")
    (11, 0)
    """
    end = first[-_LEAST_OF_A_CUT:]
    at = second.rfind(end)
    while at >= 0 and not first.endswith(second[: at + len(end)]):
        at = second.rfind(end, 0, at + len(end) - 1)
    return at + len(end) if at >= 0 and len(end) == _LEAST_OF_A_CUT else 0
