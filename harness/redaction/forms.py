"""A secret value -> the parts of it that are secret by themselves, and the forms in which they turn up in text."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote

from harness.load.records import safe
from harness.redaction.common import SHORTEST

SENSITIVE = (
    r"(?:passw(?:or)?d|passphrase|requirepass|pwd|secret|token|credentials?|bearer"
    r"|(?:api|access|private|signing|encryption|shared|account)[_.-]?key)"
)
"""What a name has in it that stands before a secret: an argument's, a variable's, a key's."""

NAME = rf"[\w.-]{{0,40}}{SENSITIVE}[\w.-]{{0,40}}"
"""Such a name, whole; bounded, as all is: messages come from whoever wants to hang us."""

HEADER = r"(?:(?:proxy-)?authorization|(?:set-)?cookie|x-(?:[\w-]{0,40}-)?(?:key|auth|session)(?:-[\w-]{0,40})?)"
"""Names of the headers that authenticate whoever sends them."""

is_sensitive = re.compile(rf"(?i){SENSITIVE}|(?:^|[_.-])auth(?:$|[_.-])|^{HEADER}$").search

_SCHEME = re.compile(r"(?i)(?:bearer|basic|digest|token|negotiate)\s+(\S.*)", re.DOTALL)
_COOKIE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+=(\"?)([^;\"]*)\1(?:;\s*|$)")
_USERINFO = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}://([^\s/@]+)@")
_ASSIGNED = re.compile(rf"(?i)(?:export\s+)?{NAME}\s*[:=]\s*(\S.*)")
_LONG_LINE = 8
_LONGEST, _PIECE = 2048, 512  # what is longer, such as a key store, is looked for piece by piece
_CORE = 8
"""Letters of base64 that are not found by chance."""


def parts(value: str) -> Iterator[str]:
    """The value as it is, and what in it is a secret of its own.

    >>> list(dict.fromkeys(parts("postgres://shop:hunter2@db/shop")))
    ['postgres://shop:hunter2@db/shop', 'shop:hunter2', 'hunter2']
    >>> list(dict.fromkeys(parts("Basic c2hvcDpodW50ZXIy")))
    ['Basic c2hvcDpodW50ZXIy', 'c2hvcDpodW50ZXIy', 'shop:hunter2', 'hunter2']
    """
    if len(value) > _LONGEST:
        yield from (value[at : at + _PIECE] for at in range(0, len(value), _PIECE))
    else:
        yield value
    lines = [line for line in map(str.strip, value.splitlines()) if len(line) <= _LONGEST]
    for line in lines:
        if len(lines) == 1 or (len(line) >= _LONG_LINE and not line.startswith("-----")):
            yield line
        yield from _within(line)
    if value.lstrip().startswith(("{", "[")):
        yield from _leaves(value)


def _within(line: str) -> Iterator[str]:
    """The credentials in a header's value, a URL, cookies or an assignment."""
    if scheme := _SCHEME.fullmatch(line):
        yield scheme[1]
        if decoded := _decoded(scheme[1]):
            yield decoded
            yield decoded.partition(":")[2]
    for userinfo in _USERINFO.findall(line):
        yield userinfo
        yield unquote(userinfo.partition(":")[2])
    cookies = list(_COOKIE.finditer(line))
    if sum(len(cookie[0]) for cookie in cookies) == len(line):
        yield from (cookie[2] for cookie in cookies)
    if assigned := _ASSIGNED.fullmatch(line):
        yield assigned[1].strip("\"'")


def _decoded(text: str) -> str:
    """What stands in base64; empty where that is no text."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _leaves(text: str) -> Iterator[str]:
    """The values in a JSON document under names that say so, such as those of a `.dockerconfigjson`."""
    try:
        stack = [("", json.loads(text))]
    except (ValueError, RecursionError):
        return
    while stack:
        name, node = stack.pop()
        if isinstance(node, dict):
            stack += [(str(key), value) for key, value in node.items()]
        elif isinstance(node, list):
            stack += [(name, value) for value in node]
        elif isinstance(node, str) and is_sensitive(name):
            yield node


def forms(value: str) -> Iterator[str]:
    """The value as it turns up in text: plain, escaped, as a cell of requests.csv, and in base64 at any offset.

    >>> list(forms("hunter2!"))[1:]
    ['hunter2%21', 'hunter2_', 'aHVudGVyMiE=', 'aHVudGVyMiE', 'aHVudGVyMiEK', 'aHVudGVyMi', 'h1bnRlcjIh', 'odW50ZXIyI']
    """
    escaped = (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1])
    quoted = (quote(value, safe="", errors="replace"), quote_plus(value, errors="replace"))
    cell = safe(value)
    in_cell = (cell,) if len(cell) >= SHORTEST else ()
    yield from dict.fromkeys((value, *escaped, *quoted, *in_cell, *_in_base64(value.encode(errors="replace"))))


def _in_base64(value: bytes) -> Iterator[str]:
    """The value alone and with a line break, and the letters that are its own wherever it begins in what is encoded."""
    for whole in (value, value + b"\n"):
        for text in (base64.b64encode(whole).decode(), base64.urlsafe_b64encode(whole).decode()):
            if len(text) >= _CORE:
                yield from (text, text.rstrip("="))
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + value).decode()
        first, last = -(-8 * offset // 6), 8 * (offset + len(value)) // 6
        if last - first >= _CORE:
            core = text[first:last]
            yield from (core, core.translate(_URL_SAFE))


_URL_SAFE = str.maketrans("+/", "-_")
