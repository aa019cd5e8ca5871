"""A disruption is found by its name; it says beforehand what it will do, and starts each rollout of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from paper_api import paper_kube
from pydantic import ValidationError

from harness.disruptions.disruption import Disruption, planned
from harness.disruptions.image import alternating
from harness.errors import ManifestError
from harness.fixture_files import fixtures
from harness.manifests.application import find_application
from harness.manifests.read import read_manifests
from harness.model.disruption import Disruption as DisruptionSettings
from harness.model.disruption import Word
from harness.model.disruption_table import TABLE
from harness.model.experiment import Experiment
from tests.unit.disruptions.stages import stage

PATCHED = "PATCH /apis/apps/v1/namespaces/shop/deployments/web"


def disruption(asked: Any, rollouts: int = 3, key: str = "update", **more: Any) -> Disruption:
    manifest = fixtures() / "manifests" / "nginx.yaml"
    experiment = Experiment.model_validate(
        {
            "version": 1,
            "name": "shop",
            "manifests": [str(manifest)],
            "service": {"name": "web", "port": 80},
            "load": {"new": {"rate": 1}},
            **({} if asked is None else {key: asked}),
            "rollouts": rollouts,
            **more,
        }
    )
    return planned(
        find_application(read_manifests([manifest]), target="deployment/web", service="web", port=80), experiment
    )


@pytest.mark.anyio
async def test_images_go_in_turn_and_the_mark_says_which() -> None:
    asked = disruption({"image": {"nginx": ["nginx:1.29.1", "nginx:1.28.0"]}})
    assert asked.images == ({"nginx": "nginx:1.29.1"}, {"nginx": "nginx:1.28.0"}, {"nginx": "nginx:1.29.1"})
    assert asked.words == "to nginx:1.29.1 and nginx:1.28.0"
    step = asked.step(1)
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "nginx", "image": "nginx:1.28.0"}]}}}}
    assert step.details == {"patch": patch}
    async with paper_kube({PATCHED: [{"metadata": {"generation": 2}}]}) as (kube, api):
        assert await step.do(stage(kube)) == 2
    (call,) = api.asked(PATCHED)
    assert call.body == patch


@pytest.mark.anyio
async def test_a_restart_names_the_time_and_sends_what_its_mark_says() -> None:
    asked = disruption("restart")
    assert (asked.images, asked.words) == ((), "to a restart")
    step = asked.step(0)
    (name,) = step.details["patch"]["spec"]["template"]["metadata"]["annotations"]
    assert name == "kubectl.kubernetes.io/restartedAt"
    async with paper_kube({PATCHED: [{"metadata": {"generation": 2}}]}) as (kube, api):
        assert await step.do(stage(kube)) == 2
    assert api.asked(PATCHED)[0].body == step.details["patch"]
    assert asked.step(1).details != step.details


def test_what_could_not_work_is_known_before_anything_runs() -> None:
    with pytest.raises(ManifestError, match="container 'app'"):
        disruption({"image": {"app": ["app:2"]}})


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("delete-pod", "deleting 1 pod"),
        ({"delete-pod": {"pods": 2, "grace": "0s"}}, "deleting 2 pods with a grace period of 0s"),
        ("evict", "evicting 1 pod"),
        ({"evict": {"pods": 2}}, "evicting 2 pods"),
        ("drain", "draining the node with the most of its pods"),
        ({"drain": {"node": "worker-1"}}, "draining worker-1"),
        ({"scale": {"to": [5, 1], "hold": "10s"}}, "scaling to 5, 1 and back to 2 replicas"),
        ("restart", "to a restart"),
        ({"image": {"nginx": ["nginx:1.29.1", "nginx:1.28.0"]}}, "to nginx:1.29.1 and nginx:1.28.0"),
    ],
)
def test_every_disruption_says_what_it_will_do(asked: Any, words: str) -> None:
    found = disruption(asked, key="disruption")
    assert found.words == words
    assert bool(found.images) == ("image" in asked)


def test_a_deploy_command_is_found_in_the_folder_of_an_experiment_that_is_named_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "deploy.sh"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o644)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ManifestError, match=r"may not be executed. Run: chmod \+x"):
        disruption({"command": ["./deploy.sh"]}, key="disruption")
    program.chmod(0o755)
    assert disruption({"command": ["./deploy.sh"]}, key="disruption").words == f"by `{program}`"


@pytest.mark.parametrize("asked", [{"delete-pod": {"pods": 3}}, {"evict": {"pods": 3}}])
def test_more_pods_than_there_are_cannot_be_taken(asked: Any) -> None:
    with pytest.raises(ManifestError, match="taking 3 pods of deployment/web: its manifest wants 2 replicas"):
        disruption(asked, key="disruption")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"evict": {"pods": 0}}, "greater than or equal to 1"),
        ({"delete-pod": {"grace": "1500ms"}}, "Kubernetes counts whole seconds"),
        ({"scale": {"to": -1}}, "greater than or equal to 0"),
        ({"scale": {"to": []}}, "at least 1 item"),
        ({"drain": {"node": ""}}, "at least 1 character"),
        ({"evict": {}, "drain": {}}, "name exactly one of image, .*scale, delete-pod, evict, drain"),
        ("scale", "restart"),
    ],
)
def test_a_disruption_that_means_nothing_is_refused(asked: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        disruption(asked, key="disruption")


def test_update_and_disruption_say_the_same_thing_and_not_two() -> None:
    assert disruption("restart", key="disruption").words == disruption("restart").words
    with pytest.raises(ValidationError, match="update and disruption: both say what is done"):
        disruption("restart", disruption="evict")


def test_without_a_word_it_is_restarted() -> None:
    assert disruption(None).words == "to a restart"


@pytest.mark.parametrize("update", [{}, {"image": None}, {"image": {}}, "undo", {"reboot": 1}])
def test_an_update_that_names_no_disruption_is_refused(update: Any) -> None:
    with pytest.raises(ValidationError):
        disruption(update)


NOW = "nginx:1.28.0"
"""What the manifest has."""


@pytest.mark.parametrize(
    ("turns", "rollouts", "images", "more"),
    [
        (["a:1"], 1, ["a:1", NOW], True),
        (["a:1"], 2, ["a:1", NOW], False),
        (["a:1"], 3, ["a:1", NOW, "a:1", NOW], True),
        (["a:1"], 4, ["a:1", NOW, "a:1", NOW], False),
        (["a:1", NOW], 3, ["a:1", NOW, "a:1", NOW], True),
        (["a:1", "a:2"], 2, ["a:1", NOW], False),
        (["a:1", "a:2"], 3, ["a:1", "a:2", NOW], False),
        (["a:1", "a:2", NOW], 3, ["a:1", "a:2", NOW], False),
        (["a:1", "a:2", NOW], 4, ["a:1", "a:2", NOW, "a:1", NOW], True),
    ],
)
def test_images_of_an_application_that_is_there_end_on_the_one_that_was_there(
    turns: list[str], rollouts: int, images: list[str], more: bool
) -> None:
    manifest = fixtures() / "manifests" / "nginx.yaml"
    application = find_application(read_manifests([manifest]), target="deployment/web", service="web", port=80)
    update, one_more = alternating(application, {"nginx": tuple(turns)}, rollouts)
    assert [each["nginx"] for each in update.images] == images
    assert one_more is more


def test_the_table_has_every_disruption_that_an_experiment_may_name() -> None:
    aliases = (field.alias or name for name, field in DisruptionSettings.model_fields.items())
    assert set(TABLE) == {*aliases, *get_args(Word)}
