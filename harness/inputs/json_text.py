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
    except json.JSONDecodeError as wrong:
        seen = f"it is not JSON (line {wrong.lineno}: {wrong.msg[0].lower()}{wrong.msg[1:]})"
    except UnicodeDecodeError:
        seen = "it is not JSON (it is not text in UTF-8)"
    except RecursionError:
        seen = "it is not JSON that can be read here (it is nested too deep)"
    except ValueError:
        seen = "it is not JSON that can be read here (a number in it has thousands of digits)"
    raise error(tried, seen, do)
