"""How many pods a disruption is to take -> checked against how many the manifest wants, before anything runs."""

from __future__ import annotations

from harness.errors import ManifestError
from harness.manifests.application import Application
from harness.model.quantity import things
from harness.spec.rolling import wanted_replicas
from harness.spec.workload import spec_of, workload_name


def checked(application: Application, pods: int) -> None:
    """Refuse to take more pods than there are.

    Raises:
        ManifestError: it wants fewer.
    """
    wanted = wanted_replicas(spec_of(application.target))
    if pods > wanted:
        raise ManifestError(
            f"taking {things(pods, 'pod')} of {workload_name(application.target)}",
            f"its manifest wants {things(wanted, 'replica')}",
            f"Name at most {wanted} as `pods`.",
        )
