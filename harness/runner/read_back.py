"""An application, and what the cluster made of it -> where they differ in what the verdict rests on, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from harness.disruptions.workload import Workload, own_pods
from harness.kube.view import View
from harness.manifests.application import Application
from harness.spec.readback import changed, pod_changed
from harness.spec.workload import pod_spec


def read_back(application: Application, view: View, workload: Workload) -> tuple[str, ...]:
    """What an admission webhook, a policy, a default or a gate that is off changed, of the objects and of its pods."""
    return tuple(_changed(application, view, workload))


def _changed(application: Application, view: View, workload: Workload) -> Iterator[str]:
    for manifest in (application.target, application.service):
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        stands = view.named(kind, name)
        if stands is not None and (said := changed(manifest, stands)):
            yield f"This cluster changed {kind} {name}: {'; '.join(said)}."
    # A webhook may change pods alone. One that is being deleted may be of an earlier template.
    pods = (pod for pod in own_pods(view, workload) if "deletionTimestamp" not in pod["metadata"])
    found = (pod_changed(pod_spec(application.target), pod["spec"]) for pod in pods)
    if of_pods := dict.fromkeys(words for of_pod in found for words in of_pod):
        yield f"This cluster changed its pods: {'; '.join(of_pods)}."
