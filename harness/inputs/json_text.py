"""The bytes of a file -> the JSON value in them, or one line that says why not."""

from __future__ import annotations

import json
from typing import Any

from harness.errors import HarnessError


def json_value(data: bytes | str, *, tried: str, error: type[HarnessError], do: str = "") -> Any:
    """What the JSON says.

    Raises:
        HarnessError: as `error`, where it is none: `tried`, what is wrong with it and where, and what to do.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as wrong:
        raise error(tried, _seen(wrong), do) from wrong


def _seen(wrong: Exception) -> str:
    match wrong:
        case json.JSONDecodeError():
            return f"it is not JSON (line {wrong.lineno}: {wrong.msg[0].lower()}{wrong.msg[1:]})"
        case UnicodeDecodeError():
            return "it is not JSON (it is not text in UTF-8)"
        case RecursionError():
            return "it is not JSON that can be read here (it is nested too deep)"
        case _:
            return "it is not JSON that can be read here (a number in it has thousands of digits)"
