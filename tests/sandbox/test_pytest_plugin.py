"""The `rollout` fixture, used as its users use it: in a test file of theirs, run by pytest."""

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]
pytest_plugins = ["pytester"]


def test_the_fixture_convicts_the_default_acquits_the_mitigated_and_explains_itself(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_default(rollout):
            result = rollout(expect="dropping")
            assert not result.seamless
            assert result.verdict == "dropping"
            assert result.failed > 0
            assert result.report.read_text().startswith("<!DOCTYPE html>")

        def test_a_failing_assert_explains_itself(rollout):
            assert rollout().seamless

        @pytest.mark.anyio
        async def test_mitigated_inside_a_running_event_loop(rollout):
            result = rollout(mitigations=[{"prestop": "3s"}, {"min-ready": "3s"}])
            assert result.seamless, result
        """
    )
    result = pytester.runpytest_subprocess("-q", "-p", "no:xdist", "-W", "error", timeout=170)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*<dropping: 1 of 1 rollout dropped calls; termination-race: *report: */report.html>*"]
    )


def test_loading_the_plugin_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing_heavy():
            heavy = {"kubernetes", "polars", "scipy", "aiohttp", "altair", "testcontainers", "httpx"}
            assert not heavy & sys.modules.keys()
        """
    )
    pytester.runpytest_subprocess("-q", "-p", "no:xdist", "-p", "no:anyio", timeout=60).assert_outcomes(passed=1)
