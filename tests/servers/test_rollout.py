"""A server from PyPI, really rolled: the judge's word on it is the kernel's and the request log's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from needs import missing

from scripts.servers.findings import finding, right_wrong_unknown
from scripts.servers.rollouts import recorded

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(os.geteuid() != 0 or bool(missing()), reason="needs root and what the sandbox needs"),
]


@pytest.mark.anyio
async def test_a_rollout_of_uvicorn_is_judged_as_kernel_and_request_log_have_it(tmp_path: Path) -> None:
    (run,) = await recorded("uvicorn", tmp_path, ("default",), margin_s=2.0)
    found = finding(run)
    assert found.requests > 500
    assert found.verdict_right, found
    assert found.dropped, "its listener closes before the proxy knows: a default rollout costs calls"
    right, wrong, unknown = right_wrong_unknown(found)
    assert wrong == 0, found.compared
    # A reset in the accept queue as the listener closes may be left open: no client can tell it from a kill.
    assert right > unknown, found.compared
