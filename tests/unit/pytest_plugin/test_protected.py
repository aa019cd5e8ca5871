"""A protected context is refused before anything of it is read, whichever fixture asks for it first."""

from __future__ import annotations

import json

import pytest
from anyio.from_thread import start_blocking_portal
from paper_api import serving

pytest_plugins = ["pytester"]

TEST = """
def test_it(rollout):
    rollout(target="deployment/web", namespace="shop")

def test_its_namespace(rollout_namespace):
    pass
"""


def test_no_call_is_made_to_a_protected_context(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving({})) as api:
        config = {**api.kubeconfig, "contexts": [{"name": "eu-Prod", "context": {"cluster": "paper", "user": "paper"}}]}
        (pytester.path / "config").write_text(json.dumps(config))
        monkeypatch.setenv("KUBECONFIG", str(pytester.path / "config"))
        pytester.makepyfile(TEST)
        result = pytester.runpytest_subprocess("--rollout-cluster=context:eu-Prod", "-p", "no:cacheprovider")
        assert not api.calls
    result.stdout.fnmatch_lines(["*looking at context eu-Prod: it is protected: protected_contexts has '[*]prod[*]'*"])
    result.assert_outcomes(failed=1, errors=1)
