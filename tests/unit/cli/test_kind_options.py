"""`--no-image-load` and `--keep-cluster` change what an experiment says of its kind or k3s cluster, nothing else."""

from __future__ import annotations

import pytest

from harness.cli.kind_options import with_kind_options
from harness.errors import UsageError
from harness.model.cluster_settings import ClusterSettings

MINE = ClusterSettings.model_validate({"kind": {"name": "mine", "nodes": 2}})
SANDBOX = ClusterSettings.model_validate({"sandbox": {}})


def test_they_change_what_they_say() -> None:
    changed = with_kind_options(MINE, no_image_load=True, keep_cluster=True).kind
    assert changed is not None
    assert (changed.name, changed.nodes, changed.load_images, changed.keep) == ("mine", 2, False, True)
    assert changed.model_fields_set >= {"name", "nodes"}


def test_they_are_k3s_too() -> None:
    changed = with_kind_options(ClusterSettings.model_validate({"k3s": {}}), no_image_load=True, keep_cluster=True).k3s
    assert changed is not None
    assert (changed.load_images, changed.keep) == (False, True)


def test_without_them_everything_is_as_it_was() -> None:
    for settings in (MINE, SANDBOX):
        assert with_kind_options(settings, no_image_load=False, keep_cluster=False) is settings


@pytest.mark.parametrize("option", ["--no-image-load", "--keep-cluster"])
def test_on_another_cluster_they_mean_nothing_and_are_refused(option: str) -> None:
    given = {"no_image_load": option == "--no-image-load", "keep_cluster": option == "--keep-cluster"}
    with pytest.raises(UsageError) as refused:
        with_kind_options(SANDBOX, **given)
    assert str(refused.value) == (
        f"reading {option}: the cluster is sandbox, neither kind nor k3s. Give --cluster kind or --cluster k3s."
    )
