"""The `rollout` fixture, used as its users use it: in a test file of theirs, run by pytest."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
from stalled import again_where_stalled, unless_stalled_in

pytestmark = [pytest.mark.sandbox, again_where_stalled, pytest.mark.timeout(300)]
pytest_plugins = ["pytester"]

ABOUT_BAD_INPUT = """
    def test_unknown_mitigation(rollout):
        rollout(mitigations=["prstop"])

    def test_unknown_image(rollout):
        rollout(image="shop:1")
"""


def test_the_fixture_convicts_the_default_acquits_the_mitigated_and_explains_itself(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        import yaml

        from harness.fixture_files import fixtures
        from harness.manifests.patch import in_namespace
        from harness.manifests.read import read_manifests

        def test_default(rollout):
            result = rollout(expect="dropping")
            assert not result.seamless
            assert result.verdict == "dropping"
            assert result.failed > 0 and sum(result.causes.values()) == result.failed
            assert [each.number for each in result.rollouts] == [1]
            assert result.report.read_text().startswith("<!DOCTYPE html>")
            assert (result.run / "requests.csv").exists()
            workload = next(each for each in yaml.safe_load_all(result.patch()) if each["kind"] == "Deployment")
            (container,) = workload["spec"]["template"]["spec"]["containers"]
            assert container["lifecycle"]["preStop"]["sleep"]["seconds"] >= 1

        def test_a_failing_assert_explains_itself(rollout):
            assert rollout().seamless

        @pytest.mark.anyio
        async def test_mitigated_inside_a_running_event_loop(rollout, rollout_namespace, rollout_cluster):
            result = rollout(mitigations=["prestop=3s", {"min-ready": "3s"}], budget={"failed": 0, "rollout": "1ms"})
            assert result.seamless, result
            assert not result.within_budget
            assert rollout_namespace.startswith("rollout-pytest-")

        def test_what_is_there_is_rolled_and_put_back(rollout, rollout_namespace, rollout_cluster, rollout_portal):
            kube = rollout_cluster.kube
            for manifest in read_manifests([fixtures() / "manifests" / "nginx.yaml"]):
                rollout_portal.call(kube.create, in_namespace(manifest, rollout_namespace), rollout_namespace)
            result = rollout(target="deployment/web", namespace=rollout_namespace, image="nginx:1.29.1", load=50)
            assert len(result.rollouts) == 2
            found = rollout_portal.call(kube.get, "apps/v1", "Deployment", "web", rollout_namespace)
            (container,) = found["spec"]["template"]["spec"]["containers"]
            assert container["image"] == "nginx:1.28.0"
        """
    )
    xml = pytester.path / "junit.xml"
    result = pytester.runpytest_subprocess("-v", "-p", "no:xdist", "-W", "error", f"--junitxml={xml}", timeout=230)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*rollout 1/1: rolling*",
            "E*where False = <dropping: 1 of 1 rollout dropped calls; termination-race: *>.seamless",
            "* rollout *",
            "dropping (termination-race: *): 1 of 1 rollout dropped calls",
            "worst: rollout 1, *",
            "termination-race *, such as: *",
            "would have held: preStop *",
            "report: */report.html",
            "* rollouts *",
            "test*::test_mitigated_inside_a_running_event_loop*seamless*",
            "*test_a_failing_assert_explains_itself: */report.html",
        ]
    )
    assert "harness/pytest_plugin" not in result.stdout.str()
    explained = result.stdout.str().partition(" rollout ---")[2].partition("\n===")[0]
    assert 0 < len(explained.strip().splitlines()) <= 16
    said = {each.get("name"): each.get("value") for each in ElementTree.parse(xml).iter("property")}
    assert said["rollout.verdict"] in ("dropping", "seamless")


def test_what_cannot_be_done_is_one_message(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ABOUT_BAD_INPUT)
    result = pytester.runpytest_subprocess("-p", "no:xdist", "--tb=long", timeout=100)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*mitigations: there is no 'prstop'; did you mean prestop?*",
            "*the sandbox does not know shop:1*",
        ]
    )
    said = result.stdout.str()
    assert "Traceback" not in said
    assert "During handling" not in said
    assert "harness/" not in said


def test_two_workers_of_xdist_make_their_runs_and_one_summary(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", [1, 2])
        @pytest.mark.rollout(inconclusive="skip")
        def test_mitigated(rollout, number, tmp_path):
            result = rollout(
                images={"web:*": {"stand_in": "finishes", "latency": "5ms"}}, manifest=MANIFESTS, image="web:2",
                mitigations={"prestop": "2s"}, load=50,
            )
            assert result.seamless

        MANIFESTS = [
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {
                "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:1", "ports": [{"containerPort": 8080}],
                "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}}]}}}},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
             "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}},
        ]
        """
    )
    out = pytester.path / "runs"
    result = pytester.runpytest_subprocess("-n", "2", f"--rollout-out={out}", timeout=230)
    unless_stalled_in(out)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["* rollouts *", "*test_mitigated?1?*seamless*", "*test_mitigated?2?*seamless*"])
    verdicts = [json.loads(file.read_text())["scenarios"][0]["verdict"] for file in out.glob("*/1/result.json")]
    assert verdicts == ["seamless", "seamless"]
