"""How many cases each generator makes of whatever people, disks and networks may give: more by `make faults`.

CI tries the same ones each time (hypothesis derandomizes there): what takes long is tried with few of them every day.
"""

from __future__ import annotations

import os

_USUAL = 300
EXAMPLES = int(os.environ.get("GENERATED_EXAMPLES", _USUAL))


def examples(usual: int) -> int:
    """How many cases there are of what takes long: `usual`, and as many times more as GENERATED_EXAMPLES asks for."""
    return max(1, usual * EXAMPLES // _USUAL)
