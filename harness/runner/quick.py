"""The arguments of one call -> an Experiment with one variant: what the pytest fixture runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import ExperimentError, ManifestError
from harness.fixture_files import fixtures
from harness.manifests.read import Manifest, read_manifests
from harness.model.experiment import Experiment
from harness.spec.serving import tcp_ports
from harness.spec.workload import WORKLOAD_KINDS, pod_spec, selects, services, spec_of

_LOAD = {"new": {"rate": 100}, "kept": {"rate": 50, "connections": 10}, "pod_header": "X-Pod"}
_IMAGE = "nginx:1.29.1"


def quick_experiment(
    manifest: Path | str | None,
    *,
    target: str | None,
    service: str | None,
    image: str | None,
    rollouts: int,
    load: Mapping[str, Any] | None,
    path: str,
    mitigations: Sequence[Mapping[str, str]],
    expect: str,
) -> Experiment:
    """The experiment that a call of `rollout(...)` means.

    Raises:
        ManifestError: the manifest leaves a choice of target or Service, and none was made.
        ExperimentError: an argument is not what an experiment allows.
    """
    file = Path(manifest) if manifest is not None else fixtures() / "manifests" / "nginx.yaml"
    manifests = read_manifests([file])
    workload = _only(manifests, WORKLOAD_KINDS, "target", target)
    name, port = _service(manifests, workload, service)
    turns = [image or _IMAGE] if image is not None or manifest is None else []
    container = pod_spec(workload)["containers"][0]
    described = {
        "version": 1,
        "name": "pytest",
        "manifests": [str(file)],
        "target": f"{workload['kind'].lower()}/{workload['metadata']['name']}",
        "service": {"name": name, "port": port},
        "path": path,
        "update": {"image": {container["name"]: [*turns, container["image"]]}} if turns else "restart",
        "rollouts": rollouts,
        "load": dict(load or _LOAD),
        "variants": {"rollout": {"mitigations": [dict(each) for each in mitigations], "expect": expect}},
    }
    try:
        return Experiment.model_validate(described)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise ExperimentError("reading the arguments of rollout()", f"{where}: {problem['msg']}") from None


def _only(manifests: Sequence[Manifest], kinds: tuple[str, ...], argument: str, wanted: str | None) -> Manifest:
    """The one object of these kinds, or the one that is named ("web", "deployment/web")."""
    found = [each for each in manifests if each["kind"] in kinds]
    if wanted is not None:
        name = wanted.rpartition("/")[2]
        found = [each for each in found if each["metadata"]["name"] == name]
    if len(found) == 1:
        return found[0]
    have = ", ".join(f"{each['kind']} {each['metadata']['name']}" for each in manifests)
    raise ManifestError(f"looking for the {argument} in {have}", f"{len(found)} would do", f"Give {argument}=.")


def _service(manifests: Sequence[Manifest], workload: Manifest, wanted: str | None) -> tuple[str, int | str]:
    """The Service that is named, or the only one that sends to the workload's pods; its port, or its first one."""
    name, _, port = (wanted or "").partition(":")
    if not name:
        labels = ((spec_of(workload).get("template") or {}).get("metadata") or {}).get("labels") or {}
        before = [one for one in services(manifests) if selects(spec_of(one).get("selector") or {}, labels)]
        with_address = [one for one in before if spec_of(one).get("clusterIP") != "None"]
        manifests = with_address or before or manifests
    service = _only(manifests, ("Service",), "service", name or None)
    ports = [entry["port"] for entry in tcp_ports(service)]
    if not (port or ports):
        raise ManifestError(f"looking for a port of Service {service['metadata']['name']}", "it has none for TCP")
    return service["metadata"]["name"], (int(port) if port.isdigit() else port) or ports[0]
