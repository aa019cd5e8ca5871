"""Behind Traefik, and Traefik itself."""

from __future__ import annotations

from yaml import safe_load_all

from harness.fixture_files import fixtures
from harness.sandbox.instruments.truth.traefik import ARGUMENTS

from .case import LOGS, Case, Object
from .parts import LOAD, OUTLASTING, app_by, cutting_by, nginx_by


def traefiks() -> tuple[Case, ...]:
    """It takes up a change of endpoints at most 2 s late."""
    shop = {"request": {"headers": {"Host": "shop.example.com"}}}
    announced = {"sandbox": {"balancer": "none"}}
    app = {**app_by("ingress", announced), **shop}
    cutting = {**cutting_by(announced), **shop}
    nginx = {**nginx_by("ingress", announced), **shop}
    return tuple(
        Case(
            name=f"traefik-{name}",
            described=described,
            verdict=verdict,
            variant=variant,
            objects=_traefik_that_writes(),
            by_traefik=True,
        )
        for name, described, verdict, variant in (
            ("default", app, "dropping", {}),
            ("outlasting", app, "seamless", OUTLASTING),
            ("cut", cutting, "dropping", {}),
            ("nginx", nginx, "dropping", {}),
        )
    )


def traefik_itself() -> Case:
    """The hop is rolled, and not what is behind it: what answers names other pods than those that are judged."""
    load = {key: value for key, value in LOAD.items() if key != "pod_header"}
    described = {
        **nginx_by("loadbalancer", {"sandbox": {"balancer": "none"}}),
        "target": "deployment/traefik",
        "service": {"name": "traefik", "port": 80},
        "request": {"headers": {"Host": "shop.example.com"}},
        "update": {"image": {"traefik": ["traefik:v3.7", "traefik:v3"]}},
        "load": load,
    }
    return Case(name="traefik-itself", described=described, verdict="dropping", objects=_traefik())


def _traefik() -> tuple[Object, ...]:
    files = [fixtures() / "manifests" / f"{name}.yaml" for name in ("traefik", "ingress-traefik")]
    return tuple(each for file in files for each in safe_load_all(file.read_text()))


def _traefik_that_writes() -> tuple[Object, ...]:
    documents = _traefik()
    for each in documents:
        if each["kind"] == "Deployment":
            spec = each["spec"]["template"]["spec"]
            (container,) = spec["containers"]
            container["args"] += ARGUMENTS
            container["volumeMounts"] = [{"name": "logs", "mountPath": "/var/log/traefik"}]
            spec["volumes"] = [{"name": "logs", "hostPath": {"path": LOGS}}]
        if each["kind"] == "Service":  # else a node stands before it with its own address, and its log names that
            each["spec"]["externalTrafficPolicy"] = "Local"
    return documents
