"""The arguments of one call leave no choice open, or name it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import ManifestError
from harness.runner.quick import quick_experiment

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
"""


def service(name: str, selector: str, rest: str = "") -> str:
    ports = "ports: [{name: quic, port: 443, protocol: UDP}, {name: https, port: 444}, {name: plain, port: 80}]"
    spec = f"{{{ports}, selector: {selector}{rest}}}"
    return f"---\n{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {spec}}}\n"


def quick(tmp_path: Path, *services: str, wanted: str | None = None) -> Any:
    file = tmp_path / "web.yaml"
    file.write_text(WEB + "".join(services))
    experiment = quick_experiment(
        file,
        target=None,
        service=wanted,
        image=None,
        rollouts=1,
        load=None,
        path="clusterip",
        mitigations=(),
        expect="any",
    )
    return experiment.service.name, experiment.service.port


def test_of_several_services_the_one_with_an_address_before_the_workload_is_called(tmp_path: Path) -> None:
    others = (
        service("other", "{app: other}"),
        service("headless", "{app: web}", ", clusterIP: None"),
        service("web", "{app: web}"),
    )
    assert quick(tmp_path, *others) == ("web", 444)
    assert quick(tmp_path, *others, wanted="headless:plain") == ("headless", "plain")
    assert quick(tmp_path, *others, wanted="web:80") == ("web", 80)


def test_where_several_would_do_one_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="Give service="):
        quick(tmp_path, service("a", "{app: web}"), service("b", "{app: web}"))
