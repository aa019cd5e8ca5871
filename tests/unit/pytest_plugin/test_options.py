"""Options, ini keys and marker: who overrides whom, and what is said of a wrong one; no cluster is started."""

import pytest

pytest_plugins = ["pytester"]

SHOW = """
    import pytest
    from harness.pytest_plugin.fixtures import _settings

    {marks}
    def test_it(request):
        found = _settings(request)
        print("SETTINGS", found.cluster, found.count, found.keep, found.inconclusive, found.out, found.worker_image)
        print("PROTECTED", *found.protected_contexts)
"""
HEAVY = ("kubernetes", "polars", "scipy", "aiohttp", "altair", "testcontainers", "httpx", "numpy", "pydantic")


@pytest.fixture
def alone(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Test runs with this plugin only: what else is installed here takes most of the time of a short one."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p rollout-harness")
    return pytester


def shown(pytester: pytest.Pytester, *options: str, ini: str = "", marks: str = "") -> str:
    pytester.makepyfile(SHOW.format(marks=marks))
    pytester.makeini(f"[pytest]\n{ini}")
    result = pytester.runpytest_subprocess("-s", "-p", "no:xdist", *options, timeout=200)
    result.assert_outcomes(passed=1)
    settings, protected = (line for line in result.outlines if "SETTINGS" in line or "PROTECTED" in line)
    return settings.partition("SETTINGS ")[2] + protected.partition("PROTECTED")[2]


def test_by_default_a_sandbox_and_one_rollout(alone: pytest.Pytester) -> None:
    assert shown(alone) == "sandbox 1 False fail None None *prod*"


def test_the_ini_file_sets_what_no_option_does(alone: pytest.Pytester) -> None:
    ini = (
        "rollout_cluster = kind\nrollout_count = 3\nrollout_keep = true\nrollout_inconclusive = skip\nrollout_out = o\n"
        "rollout_protected_contexts =\n"
    )
    assert shown(alone, ini=ini) == f"kind 3 True skip {alone.path / 'o'} None"
    options = ("--rollout-cluster=context:staging", "--rollout-count=2", "--rollout-worker-image=w:1")
    options += ("--rollout-protected-contexts=*live*, eu-*",)
    assert shown(alone, *options, ini=ini) == f"context:staging 2 True skip {alone.path / 'o'} w:1 *live* eu-*"


def test_the_marker_of_a_test_comes_first(alone: pytest.Pytester) -> None:
    marks = "@pytest.mark.rollout(count=5, inconclusive='xfail', keep=True, protected_contexts=['eu-*'])"
    assert shown(alone, "--rollout-count=2", marks=marks) == "sandbox 5 True xfail None None eu-*"


@pytest.mark.parametrize(
    ("options", "ini", "said"),
    [
        (["--rollout-count=0"], "", "*argument --rollout-count: '0' is no number of rollouts, such as 3"),
        (["--rollout-inconclusive=pass"], "", "*argument --rollout-inconclusive: invalid choice: 'pass'*"),
        ([], "rollout_count = many", "*rollout_count: 'many' is no number of rollouts, such as 3"),
        ([], "rollout_inconclusive = pass", "*rollout_inconclusive: 'pass' is none of fail, skip, xfail"),
    ],
)
def test_a_wrong_option_ends_the_test_run_before_it_began(
    alone: pytest.Pytester, options: list[str], ini: str, said: str
) -> None:
    alone.makepyfile("def test_it(): pass")
    alone.makeini(f"[pytest]\n{ini}")
    result = alone.runpytest_subprocess("-p", "no:xdist", *options, timeout=200)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


def test_a_wrong_marker_or_cluster_fails_its_test_with_one_message(alone: pytest.Pytester) -> None:
    alone.makepyfile(
        """
        import pytest

        @pytest.mark.rollout(cout=3)
        def test_marked(rollout): ...

        @pytest.mark.rollout(cluster="minikube")
        def test_elsewhere(rollout):
            rollout()
        """
    )
    result = alone.runpytest_subprocess("-p", "no:xdist", timeout=200)
    result.assert_outcomes(errors=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*pytest.mark.rollout: there is no cout=; there is cluster, out, count, keep, inconclusive, worker_image*",
            "*reading --cluster minikube: it names no provider. Use sandbox, kind, k3s or context:NAME.",
        ]
    )
    assert "harness/" not in result.stdout.str()


def test_fixtures_and_options_are_listed(alone: pytest.Pytester) -> None:
    listed = alone.runpytest_subprocess("--fixtures", "-p", "no:xdist", timeout=200).stdout.str()
    for fixture in ("rollout", "rollout_cluster", "rollout_namespace"):
        assert f"\n{fixture}" in listed
    helped = alone.runpytest_subprocess("--help", "-p", "no:xdist", timeout=200).stdout.str()
    for name in (
        "cluster",
        "out",
        "count",
        "keep",
        "inconclusive",
        "worker-image",
        "no-image-load",
        "protected-contexts",
    ):
        assert f"--rollout-{name}" in helped
        assert f"rollout_{name.replace('-', '_')} (" in helped
    assert "@pytest.mark.rollout(" in alone.runpytest_subprocess("--markers", timeout=200).stdout.str()


@pytest.mark.parametrize("options", [(), ("--collect-only",), ("-p", "no:rollout-harness")])
def test_who_rolls_nothing_pays_nothing(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    pytester.makepyfile(
        f"""
        import sys

        def test_nothing_heavy():
            assert not set({HEAVY!r}) & sys.modules.keys()
        """
    )
    pytester.makeconftest(f"import sys\ndef pytest_unconfigure(): assert not set({HEAVY!r}) & sys.modules.keys()")
    done = pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:anyio", *options, timeout=200)
    assert done.ret == 0
