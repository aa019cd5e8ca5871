"""The servers of fixtures/servers: each is described, can be run by anyone, and stands in the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.runner.scenario import scenarios
from harness.sandbox.netns import node_address
from scripts.servers.catalogue import SERVERS
from scripts.servers.rollouts import server_experiment, server_names, with_logs

ROOT = Path(__file__).parents[2]
VARIANTS = ["default", "prestop", "min-ready", "both"]


def test_the_catalogue_names_every_server_that_there_is() -> None:
    assert sorted(SERVERS) == server_names()


@pytest.mark.parametrize("name", [name for name, server in SERVERS.items() if not server.build])
def test_an_experiment_says_whose_configuration_it_is_and_has_every_variant(name: str) -> None:
    text = (ROOT / "fixtures" / "servers" / name / "experiment.yaml").read_text()
    assert text.startswith("# "), "the source of its configuration"
    experiment = server_experiment(name)
    assert list(experiment.variants) == VARIANTS
    assert experiment.images["server"].stop_signal in ("SIGTERM", "SIGQUIT", "SIGUSR1", "SIGWINCH")


def test_every_answer_is_asked_for_on_new_and_on_kept_connections() -> None:
    streams = server_experiment("uvicorn").load.streams
    asked = {(stream.path, hasattr(stream, "connections")) for stream in streams.values()}
    assert asked == {(path, kept) for path in ("/5ms", "/250ms", "/5s") for kept in (False, True)}


def test_logs_go_where_they_outlive_the_pods_and_nothing_else_changes(tmp_path: Path) -> None:
    scenario = scenarios(server_experiment("nginx"))[0]
    kept = with_logs(scenario, tmp_path)
    for before, after in zip(scenario.application.manifests, kept.application.manifests, strict=True):
        if before["kind"] != "Deployment":
            assert after == before
            continue
        (volume,) = after["spec"]["template"]["spec"].pop("volumes")
        assert volume == {"name": "logs", "hostPath": {"path": str(tmp_path)}}
        (volume,) = before["spec"]["template"]["spec"].pop("volumes")
        assert volume == {"name": "logs", "emptyDir": {}}
        assert after == before
    assert kept.application.target in kept.application.manifests


@pytest.mark.parametrize("name", SERVERS)
def test_the_page_has_a_row_of_every_server_in_every_table(name: str) -> None:
    page = (ROOT / "docs" / "servers.md").read_text()
    assert page.count(f"\n| {SERVERS[name].title}") == 4


@pytest.mark.parametrize("name", [name for name, server in SERVERS.items() if server.passes_on])
def test_what_passes_requests_on_knows_where_to(name: str) -> None:
    services = [m for m in scenarios(server_experiment(name))[0].application.manifests if m["kind"] == "Service"]
    (port,) = [m["spec"]["ports"][0]["nodePort"] for m in services if m["metadata"]["name"] == "backend"]
    texts = [file.read_text() for file in (ROOT / "fixtures" / "servers" / name).iterdir() if file.is_file()]
    assert any(node_address(1) in text and str(port) in text for text in texts)
