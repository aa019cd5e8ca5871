"""A protected context is refused before anything of it is read, whichever fixture asks for it first."""

from __future__ import annotations

import json

import pytest
from anyio.from_thread import start_blocking_portal
from paper_api import serving

from harness.errors import UsageError
from harness.pytest_plugin.fixtures import _check_unprotected
from harness.pytest_plugin.options import Settings

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


def test_which_contexts_are_protected_is_the_test_run_s_to_say() -> None:
    _check_unprotected(Settings(cluster="context:eu-Prod", protected_contexts=()))
    _check_unprotected(Settings(cluster="kind", protected_contexts=("*",)))
    with pytest.raises(UsageError, match="--rollout-protected-contexts, which contexts may not") as refused:
        _check_unprotected(Settings(cluster="context:eu-live", protected_contexts=("*prod*", "*LIVE*")))
    assert "protected_contexts has '*LIVE*'" in refused.value.seen
