"""A variant behind a load balancer -> refused before anything is changed, where it counts on gates that cannot come."""

from __future__ import annotations

from harness.errors import ManifestError
from harness.manifests.application import Application
from harness.model.run import Expect
from harness.spec.around import Around, balancer
from harness.spec.hazard import HazardId, told
from harness.spec.hazards import row
from harness.spec.readiness_gates import gates_of, is_balancers
from harness.spec.subject import subject
from harness.spec.workload import pod_spec

_MEASURED_ANYWAY = "Or give the variant `expect: dropping` or `expect: any`, to measure it without them."


def check_gates(application: Application, path: str, expect: Expect) -> None:
    """Refuse gates for targets by instance, unless it is a negative control that has them.

    A pod whose own template names such a gate is never Ready, whatever is expected of it.

    Raises:
        ManifestError: says which, and what would do.
    """
    by_ingress = [each for each in application.manifests if each["kind"] == "Ingress"]
    around = Around(balancer=balancer([application.service], by_ingress), namespace=application.home)
    it = subject(application.target, [application.service], around=around)
    by_instance = row(HazardId.GATES_BY_INSTANCE)
    if not by_instance.holds(it):
        return
    never = any(is_balancers(gate) for gate in gates_of({"spec": pod_spec(application.target)}))
    if never or (path == "loadbalancer" and expect is Expect.SEAMLESS):
        hazard = told(by_instance, it)
        do = f"Needed: {hazard.mend}."
        raise ManifestError("planning readiness gates", hazard.sentence, do if never else f"{do} {_MEASURED_ANYWAY}")
