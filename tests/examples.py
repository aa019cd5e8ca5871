"""How many cases each generator makes of whatever people, disks and networks may give: more by `make faults`."""

from __future__ import annotations

import os

EXAMPLES = int(os.environ.get("GENERATED_EXAMPLES", "300"))
