"""`--cluster` names a provider, and the provider is given what the experiment and the command line say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.clusters import choice, k3s, kind, kubeconfig, sandbox
from harness.clusters.choice import chosen, cluster
from harness.clusters.cluster import Given
from harness.errors import UsageError
from harness.model.cluster_settings import ClusterSettings, SandboxImage, SandboxSettings
from harness.model.k3s_settings import K3sSettings
from harness.model.kind_settings import KindSettings
from harness.model.providers import CONTEXT, PROVIDERS, choices

ROOM = Path(choice.__file__).parent


def settings_of(provider: str, settings: Any) -> ClusterSettings:
    """What an experiment's file says of one provider."""
    return ClusterSettings.model_validate({provider: settings})


MINE = settings_of("kind", {"name": "mine"})


def test_without_a_word_the_experiments_own_settings_count() -> None:
    assert chosen(None, MINE) is MINE


@pytest.mark.parametrize(
    ("text", "default", "meant"),
    [
        ("sandbox", MINE, ClusterSettings(sandbox=SandboxSettings())),
        ("kind", ClusterSettings(context="prod"), ClusterSettings(kind=KindSettings())),
        ("k3s", MINE, settings_of("k3s", {})),
        ("context:prod", MINE, ClusterSettings(context="prod")),
        ("context:a:b", MINE, ClusterSettings(context="a:b")),
    ],
)
def test_a_word_names_a_provider(text: str, default: ClusterSettings, meant: ClusterSettings) -> None:
    assert chosen(text, default) == meant


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("sandbox", ClusterSettings(sandbox=SandboxSettings(nodes=2))),
        ("kind", MINE),
        ("k3s", settings_of("k3s", {"image": "rancher/k3s:v1"})),
    ],
)
def test_what_the_experiment_says_of_that_provider_is_kept(text: str, default: ClusterSettings) -> None:
    assert chosen(text, default) == default


@pytest.mark.parametrize("text", ["", "context", "context:", "Kind", "minikube", "kind:mine"])
def test_a_word_that_names_none_is_refused_with_those_that_do(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        chosen(text, MINE)
    assert str(refused.value) == (
        f"reading --cluster {text}: it names no provider. Use sandbox, kind, k3s or context:NAME."
    )


def test_a_provider_is_a_line_and_a_file() -> None:
    assert set(PROVIDERS) == set(ClusterSettings.model_fields)
    for name in PROVIDERS:
        assert (ROOM / f"{'kubeconfig' if name == CONTEXT else name}.py").exists(), name
        assert name in choices()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """What the providers were asked for, each of which gives its own name."""
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def note(room: Any, name: str) -> None:
        def provider(*args: Any, **options: Any) -> str:
            calls.append((name, args, options))
            return name

        monkeypatch.setattr(room, name, provider)

    note(sandbox, "sandbox_cluster")
    note(kind, "kind_cluster")
    note(k3s, "k3s_cluster")
    note(kubeconfig, "context_cluster")
    return calls


GIVEN = Given(images={}, worker_image="w:1", tell=print)


@pytest.mark.parametrize(
    ("settings", "call"),
    [
        (settings_of("kind", {"name": "mine"}), ("kind_cluster", (KindSettings(name="mine"), GIVEN), {})),
        (settings_of("kind", {}), ("kind_cluster", (KindSettings(), GIVEN), {})),
        (settings_of("k3s", {}), ("k3s_cluster", (K3sSettings(), GIVEN), {})),
        (settings_of("k3s", {"image": "k:2"}), ("k3s_cluster", (K3sSettings(image="k:2"), GIVEN), {})),
        (ClusterSettings(context="prod"), ("context_cluster", ("prod", GIVEN), {})),
    ],
    ids=["kind", "kind as it is", "k3s", "k3s of another version", "context"],
)
def test_a_provider_is_given_its_settings_and_the_image_of_the_load_worker(
    asked: list[Any], settings: ClusterSettings, call: Any
) -> None:
    assert cluster(settings, {}, worker_image="w:1", tell=GIVEN.tell) == call[0]
    assert asked == [call]


def test_the_sandbox_is_given_its_settings_the_images_and_where_truth_goes(asked: list[Any]) -> None:
    settings, images = SandboxSettings(nodes=2), {"app": SandboxImage(command=("app",))}
    cluster(ClusterSettings(sandbox=settings), images, worker_image="w:1", truth=Path("truth"))
    assert asked == [("sandbox_cluster", (settings, images), {"truth": Path("truth")})]
