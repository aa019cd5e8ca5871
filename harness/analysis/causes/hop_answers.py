"""Failed requests and the hops before the pods -> what a hop answered by itself, and what that tells of pods."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.row import Flag
from harness.analysis.causes.streaks import PATH_STATUS
from harness.analysis.observed.observed import Observed
from harness.model.run import RunInfo

CLOSED_BEHIND, NO_TARGET = 502, 503


def hop_flags(seen: Observed, status: NDArray[np.int64]) -> dict[Flag, NDArray[np.bool_]]:
    """By flag, whether it is true of each failure. `status`: of each failure, 0 without an answer."""
    info = seen.run.info
    by_path = _from_the_path(seen.requests.failures, info) & np.isin(status, PATH_STATUS)
    behind = np.full(len(status), fill_value=any(hop.answers_as for hop in info.hops))
    no_target = behind & by_path & (status == NO_TARGET)
    return {
        Flag.FROM_THE_PATH: by_path,
        Flag.BEHIND_HOP: behind,
        Flag.NO_TARGET: no_target,
        Flag.BAD_TARGET: behind & by_path & ~no_target,
        Flag.CLOSED_BEHIND: behind & by_path & (status == CLOSED_BEHIND),
    }


def _from_the_path(rows: pl.DataFrame, info: RunInfo) -> NDArray[np.bool_]:
    """Whether something before the pods may have given the answer: on such a path, an answer that names no pod.

    Where it is known how that signs its answers, only one that is signed so.
    """
    if not info.way.ends_tcp:
        return np.zeros(len(rows), dtype=bool)
    if signed := [hop.answers_as for hop in info.hops if hop.answers_as]:
        return np.array(((rows["pod"] == "") & rows["via"].cast(pl.String).is_in(signed)).to_numpy(), dtype=np.bool_)
    return np.array((rows["pod"] == "").to_numpy())
