"""What cases are made of: applications, loads, balancers and their delays."""

from __future__ import annotations

from typing import Any

from yaml import safe_load_all

from harness.fixture_files import fixtures

from .case import Object

OUTLASTING: Object = {"mitigations": [{"prestop": "10s"}, {"min-ready": "8s"}]}
QUICK: Object = {"controller": "200ms", "registration": "2s", "propagation": "200ms", "deregistration": "3s"}
CHECKS: Object = {"interval": "500ms", "timeout": "5s", "healthy": 2}
LOAD: Object = {"new": {"rate": 40}, "kept": {"rate": 20, "connections": 5}, "pod_header": "X-Pod"}
SLOW: Object = {**LOAD, "slow": {"rate": 4, "path": "/slow"}}


def alone(prestop: str) -> Object:
    """One replica: of several, on a machine that starts them slowly, a new one is registered before the last old one
    goes."""
    one = {"kind": "Deployment", "name": "web", "patch": {"spec": {"replicas": 1}}}
    return {"mitigations": [{"prestop": prestop}], "patches": [one]}


def ingress(class_: str, targets: str = "ip") -> Object:
    documents = safe_load_all((fixtures() / "manifests" / "ingress-alb.yaml").read_text())
    made: Object = next(document for document in documents if document["kind"] == "Ingress")
    annotations = made["metadata"]["annotations"]
    annotations["alb.ingress.kubernetes.io/target-type"] = targets
    if not class_:
        del made["spec"]["ingressClassName"]
        del made["metadata"]["annotations"]
    return made


def balanced(profile: str, **changes: Any) -> Object:
    return {"sandbox": {"balancer": {"profile": profile, **QUICK, **changes}}}


def app_by(path: Any, cluster: Object, *, load: Object = LOAD, quiet: str = "9s", **environment: str) -> Object:
    """The application of fixtures/app, which behaves as its environment says."""
    program = str(fixtures() / "app" / "app.py")
    told = {"APP_SLOW_S": "1.5", **{f"APP_{name}": value for name, value in environment.items()}}
    image: Object = {"command": ["{python}", "-I", "-S", program], "env": told}
    return {
        **described("app", path, cluster),
        "images": {"app:1": image, "app:2": image},
        "update": {"image": {"app": ["app:2", "app:1"]}},
        "load": load,
        "quiet": quiet,
    }


def cutting_by(cluster: Object) -> Object:
    return app_by("ingress", cluster, load=SLOW, ON_SIGTERM="cut")


def nginx_by(path: Any, cluster: Object) -> Object:
    return {**described("nginx", path, cluster), "update": {"image": {"nginx": ["nginx:1.29.1", "nginx:1.28.0"]}}}


def described(manifest: str, path: Any, cluster: Object) -> Object:
    return {
        "version": 1,
        "name": "path",
        "manifests": [str(fixtures() / "manifests" / f"{manifest}.yaml")],
        "target": "deployment/web",
        "service": {"name": "web", "port": 80},
        "path": path,
        "cluster": cluster,
        "rollouts": 1,
        "rollout_timeout": "5m",
        "control": "4s",
        "quiet": "9s",
        "load": LOAD,
    }
