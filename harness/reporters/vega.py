"""Turns a Vega-Lite document into what a page needs to draw it without a network: a script, and the document compiled.

The script is Vega as vl-convert brings it. To put it together takes two seconds, and it is always the same, so it is
kept in the user's cache, where there is one that can be written.
"""

import os
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from json import dumps, loads
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final, NamedTuple
from zlib import compress

_SNIPPET: Final = "window.vegaEmbed=vegaEmbed;"


class Drawing(NamedTuple):
    """The script that knows how to draw, and the documents in Vega, as it takes them, by name."""

    script: str
    documents: dict[str, Any]


def drawing(documents: Mapping[str, Any]) -> Drawing:
    """What draws these Vega-Lite documents in a browser; their datasets are filled there."""
    return _drawing(dumps(documents, sort_keys=True))


@cache
def _drawing(documents: str) -> Drawing:
    key = sha256(" ".join((version("vl-convert-python"), _SNIPPET, documents)).encode()).hexdigest()
    with suppress(OSError, ValueError, TypeError, RuntimeError):
        return Drawing(**loads(_kept(key).read_text(encoding="utf-8")))
    import altair as alt
    import vl_convert

    schema = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
    made = Drawing(
        script=vl_convert.javascript_bundle(_SNIPPET),
        documents={
            name: vl_convert.vegalite_to_vega(document, vl_version=schema)
            for name, document in loads(documents).items()
        },
    )
    if "</script" in made.script.lower() or "<!--" in made.script:
        raise ValueError("the script that vl-convert gives cannot stand in a page")
    with suppress(OSError, RuntimeError):
        _keep(_kept(key), dumps(made._asdict()))
    return made


def _kept(key: str) -> Path:
    """As the XDG base directory specification has it.

    Raises:
        RuntimeError: there is no home for it.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(cache) / "rollout-harness" / f"vega-{key}.json"


def _keep(path: Path, text: str) -> None:
    """Whole or not at all: others may be doing the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        new = Path(file.name)
        try:
            file.write(text)
            file.flush()
            new.replace(path)
        except OSError:
            new.unlink()
            raise


def packed(value: Any) -> str:
    """JSON, compressed, in letters that mean nothing to HTML: no name from a cluster stands in the page as it is."""
    text = dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return b64encode(compress(text.encode(), 9)).decode()


def source(script: str) -> str:
    """What a Content-Security-Policy calls this script by (CSP Level 3, 2.3.1, hash-source)."""
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
