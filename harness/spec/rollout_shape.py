"""The application's manifests -> the settings that a rollout depends on, and how long one takes."""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.advice import ApplicationSettings
from harness.model.run import MeasuredService
from harness.spec.claims import claims_among
from harness.spec.hazards import Hazard, HazardId, hazards, row
from harness.spec.hooks import serves_on_s
from harness.spec.readiness import readiness_s
from harness.spec.rolling import rollout_spec
from harness.spec.serving import serving_containers, target_ports
from harness.spec.stopping import stopping_first
from harness.spec.subject import subject
from harness.spec.termination import grace_period_s, hooks_take_s, longest_hook_s
from harness.spec.workload import Object, containers, judged_workload, main_containers, pod_spec, services, spec_of

OVERHEAD_S = 0.3
"""What controllers and scheduler add to each step (measured: 0.1 to 0.5 s)."""

START_S = 1.5
"""From a pod's creation to Ready with a probe every second ..."""

STOP_S = 1.0
"""... and from its stop signal to its end: what a small server takes."""

_ABOUT_READINESS = (HazardId.NO_READINESS_PROBE, HazardId.PROBE_ON_ANOTHER_PORT)


def cures(settings: ApplicationSettings) -> tuple[str, ...]:
    """What must be set before any number of seconds helps, in the words of a manifest; what none mends comes last."""
    probe = settings.probe_cure if settings.probed else row(HazardId.NO_READINESS_PROBE).mend
    found = (settings.gap_cure, settings.listing_cure, probe)
    mends_gap = any(HazardId(each) not in _ABOUT_READINESS for each in settings.mends)
    return tuple(filter(None, found if mends_gap else (probe, settings.listing_cure, settings.gap_cure)))


def rollout_s(settings: ApplicationSettings, *, start_s: float, min_ready_s: float, stop_s: float) -> float:
    """How long until a rollout is complete, in seconds: the sum of its steps.

    `start_s`: from a pod's creation to Ready; `stop_s`: from its deletion to its end.
    """
    step = start_s + min_ready_s + OVERHEAD_S + (stop_s if settings.waits_for_stop else 0.0)
    return settings.steps * step


def predicted_rollout_s(settings: ApplicationSettings, pod: Object) -> float:
    """How long a rollout will take, from the manifest alone: `pod` is the spec of its pods."""
    start_s, stop_s = START_S + readiness_s(pod)[0], STOP_S + hooks_take_s(pod)
    return rollout_s(settings, start_s=start_s, min_ready_s=settings.min_ready_s, stop_s=stop_s)


def rollout_shape(
    manifests: Iterable[Object],
    target: str | None = None,
    measured: MeasuredService | None = None,
    *,
    replicas: int | None = None,
    disruption: str | None = None,
) -> ApplicationSettings:
    """The shape of `target` behind the `measured` Service, with `replicas` instead of its own number where given.

    `disruption`: the name of what is done to it, a rolling update where None.
    """
    manifests = tuple(manifests)
    workload = judged_workload(manifests, target)
    if workload is None:
        return ApplicationSettings()
    rollout = rollout_spec(str(workload["kind"]), spec_of(workload), replicas=replicas)
    pod = pod_spec(workload)
    serving = serving_containers(pod, target_ports(manifests, measured))
    held = [seconds for container in serving if (seconds := serves_on_s(pod, container)) is not None]
    found = hazards(
        workload,
        services(manifests),
        measured=measured,
        replicas=replicas,
        disruption=disruption,
        claims=claims_among(manifests),
    )
    gap = next((hazard for hazard in found if hazard.gap), None)
    named = {hazard.id: hazard for hazard in found}
    listing = named.get(HazardId.PUBLISHES_NOT_READY)
    elsewhere, kept = named.get(HazardId.PROBE_ON_ANOTHER_PORT), named.get(HazardId.PARTITION)
    # Only what a run showed tells whether that costs anything.
    beside = stopping_first(subject(workload, services(manifests), measured=measured))
    return ApplicationSettings(
        replicas=rollout.replicas,
        replaced=rollout.replaced,
        steps=rollout.steps,
        kept=kept.sentence if kept else "",
        waits_for_stop=rollout.waits_for_stop,
        has_prestop=len(held) == len(serving) > 0,
        prestop_s=min(held, default=0.0) if len(held) == len(serving) else 0.0,
        hook_s=longest_hook_s(pod),
        min_ready_s=rollout.min_ready_s,
        grace_s=grace_period_s(pod),
        progress_deadline_s=rollout.progress_deadline_s,
        gap=gap.wrong if gap else "",
        gap_cure=gap.mend if gap else "",
        listing=listing.wrong if listing else "",
        listing_cure=listing.mend if listing else "",
        probed=HazardId.NO_READINESS_PROBE not in named,
        probe_cure=elsewhere.mend if elsewhere else "",
        beside_cure=row(HazardId.SIDECAR_STOPS_FIRST).mend if beside else "",
        mends=_mends(found, gap),
        hooked=_hooked(pod, serving),
    )


def _mends(found: Iterable[Hazard], gap: Hazard | None) -> tuple[str, ...]:
    """Those that a change of the manifest mends, of the gap and of what is about readiness."""
    wrong = (hazard for hazard in found if hazard is gap or hazard.id in _ABOUT_READINESS)
    return tuple(hazard.id.value for hazard in wrong if not hazard.stays)


def _hooked(pod: Object, serving: Iterable[Object]) -> tuple[str, ...]:
    """Those that serve, and those beside them that listen too, to whom they may pass calls on: all containers but
    native sidecars get their stop signal at once, each after its own hook."""
    all_of_them, serve = containers(pod), [id(one) for one in serving]
    if len(all_of_them) == 1:
        return ()
    listening = (one for one in main_containers(pod) if one.get("ports"))
    bare = [id(one) for one in listening if not (one.get("lifecycle") or {}).get("preStop")]
    return tuple(str(one.get("name")) for one in all_of_them if id(one) in (*serve, *bare))
