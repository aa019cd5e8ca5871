"""A case -> what the table of hazards looks at in it."""

from __future__ import annotations

from harness.model.duration import seconds
from harness.spec.around import Around, balancer
from harness.spec.claims import claims_among
from harness.spec.counts import autoscaler, budget
from harness.spec.rollout_shape import predicted_rollout_s, rollout_shape
from harness.spec.subject import Subject, subject
from harness.spec.workload import pod_spec, services
from scripts.rules.cases import Case


def subject_of(case: Case) -> Subject:
    """That of the manifest that fails, with what `check` is told besides."""
    objects = case.fails.objects
    workload = next(each for each in objects if each["kind"] == case.fails.kind)
    told = dict(zip(case.told[::2], case.told[1::2], strict=True))
    version = told.get("--kubernetes")
    around = Around(
        balancer=balancer(services(objects), ()),
        namespace=next((each for each in objects if each["kind"] == "Namespace"), None),
        kubernetes=(int(version.split(".")[0]), int(version.split(".")[1])) if version else None,
        proxy_period_s=_seconds(told.get("--proxy-period")),
        stop_s=_seconds(told.get("--stop-time")),
        ci_timeout_s=_seconds(told.get("--ci-timeout")),
        rollout_s=predicted_rollout_s(rollout_shape(objects), pod_spec(workload)),
        replicas=workload["spec"].get("replicas"),
        autoscaler=next((autoscaler(each) for each in objects if each["kind"] == "HorizontalPodAutoscaler"), None),
        budget=next((budget(each) for each in objects if each["kind"] == "PodDisruptionBudget"), None),
    )
    return subject(workload, services(objects), around=around, known=claims_among(objects))


def _seconds(text: str | None) -> float | None:
    return None if text is None else seconds(text)
