"""Every rule by which a failure gets its cause, in the order in which they are asked: the first that holds names it.

A new rule is one row in one of the files beside this one, and one test. `python -m harness.analysis.causes.reference`
prints the table as the reference page docs/causes.md.
"""

from harness.analysis.causes.table.answers import ANSWERS
from harness.analysis.causes.table.astray import ASTRAY
from harness.analysis.causes.table.cuts import CUTS
from harness.analysis.causes.table.hops import HOPS
from harness.analysis.causes.table.refusals import REFUSALS
from harness.analysis.causes.table.silences import SILENCES
from harness.analysis.causes.table.timeouts import TIMEOUTS

TABLE = (*ASTRAY, *HOPS, *REFUSALS, *CUTS, *TIMEOUTS, *SILENCES, *ANSWERS)

__all__ = ["TABLE"]
