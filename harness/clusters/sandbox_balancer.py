"""What an experiment says of a balancer -> the sandbox's settings of it, and the facts that a run keeps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from harness.model import balancer_settings as asked
from harness.model.paths import HopKind, Span, Targets
from harness.model.run import BalancerFacts
from harness.sandbox.balancer.ingresses import class_of, is_served, obstacle
from harness.sandbox.balancer.profiles import PROFILES
from harness.sandbox.balancer.settings import BalancerSettings, Check, Delay
from harness.sandbox.gates.settings import FailurePolicy, Gates

_DELAYS = ("controller", "registration", "propagation", "deregistration")
_OF_CHECKS = ("interval_s", "timeout_s", "healthy", "unhealthy")


def balancer(settings: asked.BalancerSettings) -> BalancerSettings:
    """The profile, with what the experiment has otherwise."""
    profile = PROFILES[settings.profile]
    ranges = {name: getattr(settings, name) for name in _DELAYS}
    delays: dict[str, Any] = {name: Delay(each.from_s, each.to_s) for name, each in ranges.items() if each is not None}
    checks: dict[str, Any] = {name: value for name in _OF_CHECKS if (value := getattr(settings, name)) is not None}

    def otherwise(check: Check | None) -> Check | None:
        return None if check is None else replace(check, **checks)

    http, draining_s = profile.http, settings.draining_s
    if draining_s is not None and http is not None:
        http = replace(http, draining_s=draining_s)
    return replace(
        profile,
        **delays,
        http=http,
        check=otherwise(profile.check),
        local_check=otherwise(profile.local_check),
        seed=settings.seed,
        gates=_gates(profile.gates, settings.gates),
    )


def _gates(profile: Gates | None, wanted: asked.GateSettings | None) -> Gates | None:
    if profile is None or wanted is None:
        return profile
    return replace(
        profile,
        poll_s=profile.poll_s if wanted.poll_s is None else wanted.poll_s,
        failure_policy=FailurePolicy(wanted.failure_policy or profile.failure_policy),
        webhook=wanted.webhook == "up",
    )


def balancer_facts(settings: BalancerSettings | None) -> BalancerFacts | None:
    """What a run keeps of it."""
    if settings is None:
        return None
    return BalancerFacts(
        profile=settings.profile,
        targets=Targets(settings.targets.value),
        removal=_span(settings.removal),
        addition=_span(settings.addition),
        kind=HopKind.PASSTHROUGH if settings.http is None else HopKind.REVERSE_PROXY,
        retries=settings.http is not None and settings.http.retries,
        answers_as="" if settings.http is None else settings.http.answers_as,
        draining_s=None if settings.http is None else settings.http.draining_s,
        settings=settings.words,
    )


def _span(delay: Delay) -> Span:
    return Span(least_s=delay.least_s, most_s=delay.most_s)


def serves_ingresses(settings: asked.BalancerSettings) -> bool:
    """Whether it is for Ingresses, and not for Services of type LoadBalancer."""
    return PROFILES[settings.profile].http is not None


def why_not_served(
    settings: asked.BalancerSettings, ingress: dict[str, Any], services: Iterable[dict[str, Any]]
) -> str:
    """Why the sandbox's balancer would not serve an Ingress, in words; empty where it would."""
    profile = balancer(settings)
    if not is_served(ingress, profile):
        named = class_of(ingress) or "no class"
        return f"is of class {named}, and {profile.profile} serves {' and '.join(profile.classes)}"
    said = obstacle(ingress, {service["metadata"]["name"]: service for service in services}, profile, drafted=True)
    return f"gets no load balancer: {said}" if said else ""
