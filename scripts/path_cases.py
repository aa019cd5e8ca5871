"""The rollouts on every path but the ClusterIP's of which the truth is recorded, and the verdict that is right of each.

Delays are shorter than a cloud's, so that a case takes a minute or two; `OUTLASTING` is what outlasts them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yaml import safe_dump, safe_dump_all, safe_load_all

from harness.fixture_files import fixtures
from harness.model.result import Verdict
from harness.sandbox.instruments.truth.traefik import ARGUMENTS

Object = dict[str, Any]

OUTLASTING: Object = {"mitigations": [{"prestop": "10s"}, {"min-ready": "8s"}]}
_QUICK: Object = {"controller": "200ms", "registration": "2s", "propagation": "200ms", "deregistration": "3s"}
_CHECKS: Object = {"interval": "500ms", "timeout": "5s", "healthy": 2}
_LOAD: Object = {"new": {"rate": 40}, "kept": {"rate": 20, "connections": 5}, "pod_header": "X-Pod"}
_LOGS = "{logs}"
_SLOW: Object = {**_LOAD, "slow": {"rate": 4, "path": "/slow"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A variant of an experiment. `described`: that without its variants; `objects`: manifests beside its own.

    `verdict`: the one that is right; empty where that is a matter of luck, and its truth alone tells. `by_traefik`: a
    Traefik stands on the way, and writes down what became of each request (`traefik_logs`).
    """

    name: str
    described: Object
    verdict: str
    variant: Object = field(default_factory=dict)
    objects: tuple[Object, ...] = ()
    by_traefik: bool = False


def traefik_logs(case: Case, out: Path) -> Path:
    """The folder in which the Traefik of a case writes."""
    return out.absolute() / f"{case.name}.traefik"


def written(case: Case, out: Path) -> Path:
    """The experiment file of a case, and the manifests that are its own, in `out`."""
    described = {**case.described, "variants": {"one": {**case.variant, "expect": "any"}}}
    if case.objects:
        objects = out / f"{case.name}-objects.yaml"
        logs = traefik_logs(case, out)
        objects.write_text(safe_dump_all(case.objects).replace(_LOGS, str(logs)))
        if case.by_traefik:
            logs.mkdir(exist_ok=True)
        described["manifests"] = [*described["manifests"], str(objects.absolute())]
    file = out / f"{case.name}.yaml"
    file.write_text(safe_dump(described))
    return file


def what_is_wrong(case: Case, verdict: Verdict, lost: bool, *, whole: bool = True) -> str:
    """What is wrong with a verdict, in words; empty where nothing is. `lost`: a rollout lost calls, by the truth.

    On a machine without time a case may not come about: then it is for its truth that a verdict is right or wrong.
    `whole`: the truth of every failure is known; else that no rollout lost calls is not shown.
    """
    truth = Verdict.DROPPING if lost else Verdict.SEAMLESS
    wanted = case.verdict or truth
    if not lost and not whole:
        truth = wanted
    if verdict == truth == wanted:
        return ""
    if verdict not in (truth, Verdict.INCONCLUSIVE):
        return f"FALSE: its truth is {truth}"
    if truth != wanted:
        return f"not {wanted}, and neither is its truth, {truth}: run it again"
    return f"not {wanted}, which its truth is"


def cases() -> tuple[Case, ...]:
    """All of them."""
    return (*_albs(), *_nodes_behind_an_alb(), *_negs(), *_layer_4(), *_nlb_to_pods(), *_traefiks())


def _albs() -> tuple[Case, ...]:
    alb, quick = (_ingress("alb"),), _balancer("aws-alb-ip")
    slowly = _balancer("aws-alb-ip", registration="9s", deregistration="1s")
    app, creating = _app("ingress", quick), _app("ingress", slowly, quiet="15s")
    # Some requests meet a connection that is closing, however often a pod is asked: as many in a rollout, which has
    # more pods for a while, as before it. That takes time to show.
    idle = {**_app("ingress", quick, IDLE_S="0.001", IDLE_SPREAD_S="0.1"), "control": "15s"}
    return (
        Case(name="aws-alb-ip-default", described=app, verdict="dropping", objects=alb),
        Case(name="aws-alb-ip-outlasting", described=app, verdict="seamless", variant=OUTLASTING, objects=alb),
        Case(name="aws-alb-ip-cut", described=_cutting(quick), verdict="dropping", objects=alb),
        Case(name="aws-alb-ip-nginx", described=_nginx("ingress", quick), verdict="dropping", objects=alb),
        Case(name="aws-alb-ip-creation", described=creating, verdict="dropping", variant=_alone("6s"), objects=alb),
        Case(name="aws-alb-ip-idle-close", described=idle, verdict="seamless", variant=OUTLASTING, objects=alb),
        Case(
            name="aws-alb-ip-draining",
            described=_app("ingress", _balancer("aws-alb-ip", deregistration="1s", draining="1s"), load=_SLOW),
            verdict="dropping",
            variant=OUTLASTING,
            objects=alb,
        ),
    )


def _nodes_behind_an_alb() -> tuple[Case, ...]:
    instance, quick = (_ingress("alb", "instance"),), _balancer("aws-alb-instance", registration="0s")
    service = {"kind": "Service", "name": "web", "patch": {"spec": {"type": "NodePort"}}}
    both = {"mitigations": [{"prestop": "5s"}, {"min-ready": "5s"}]}
    return tuple(
        Case(
            name=f"aws-alb-instance-{name}",
            described=described,
            verdict=verdict,
            variant={**variant, "patches": [service]},
            objects=instance,
        )
        for name, described, verdict, variant in (
            ("default", _app("ingress", quick), "dropping", {}),
            # A connection that it keeps to a node stays with its pod until that closes it: a request may meet that.
            ("both", _app("ingress", quick), "", both),
            ("cut", _cutting(quick), "dropping", {}),
        )
    )


def _negs() -> tuple[Case, ...]:
    gce, quick = (_ingress(""),), _balancer("gke-neg")
    app = _app("ingress", quick)
    return (
        Case(name="gke-neg-default", described=app, verdict="dropping", objects=gce),
        Case(name="gke-neg-outlasting", described=app, verdict="seamless", variant=OUTLASTING, objects=gce),
        Case(
            name="gke-neg-draining",
            described=_app("ingress", quick, load=_SLOW),
            verdict="dropping",
            variant=OUTLASTING,
            objects=gce,
        ),
    )


def _layer_4() -> tuple[Case, ...]:
    found = []
    for kind, path, profiles in (
        ("NodePort", "nodeport", (None,)),
        ("LoadBalancer", "loadbalancer", ("aws-nlb-instance", "gke-l4", "none")),
    ):
        for profile in profiles:
            cluster = (
                {"sandbox": {"proxy": {"minSyncPeriod": "1s"}}}
                if profile is None
                else _balancer(profile, **{**_CHECKS, "registration": "0s"})
            )
            service = {"kind": "Service", "name": "web", "patch": {"spec": {"type": kind}}}
            described = _app(path, cluster)
            for name, verdict, mitigations in (
                ("default", "dropping", []),
                ("both", "seamless", [{"prestop": "5s"}, {"min-ready": "5s"}]),
                ("cut", "dropping", []),
            ):
                found.append(
                    Case(
                        name=f"{profile or path}-{name}",
                        described=_app(path, cluster, load=_SLOW, ON_SIGTERM="cut") if name == "cut" else described,
                        verdict=verdict,
                        variant={"mitigations": mitigations, "patches": [service]},
                    )
                )
    return tuple(found)


def _nlb_to_pods() -> tuple[Case, ...]:
    metadata = {"annotations": {"service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip"}}
    spec = {"type": "LoadBalancer", "loadBalancerClass": "service.k8s.aws/nlb"}
    service = {"kind": "Service", "name": "web", "patch": {"metadata": metadata, "spec": spec}}
    balancer = _balancer("aws-nlb-ip", **{**_CHECKS, "registration": "1s"})
    app = _app("loadbalancer", balancer)
    cutting = _app("loadbalancer", balancer, load=_SLOW, ON_SIGTERM="cut")
    slowly = _app("loadbalancer", _balancer("aws-nlb-ip", **{**_CHECKS, "registration": "9s"}), quiet="15s")
    return tuple(
        Case(name=f"aws-nlb-ip-{name}", described=described, verdict=verdict, variant={**variant, "patches": patches})
        for name, described, verdict, variant, patches in (
            ("default", app, "dropping", {}, [service]),
            ("outlasting", app, "seamless", OUTLASTING, [service]),
            ("cut", cutting, "dropping", {}, [service]),
            ("creation", slowly, "dropping", {"mitigations": [{"prestop": "6s"}]}, [service, *_alone("6s")["patches"]]),
        )
    )


def _traefiks() -> tuple[Case, ...]:
    """It takes up a change of endpoints at most 2 s late."""
    shop = {"request": {"headers": {"Host": "shop.example.com"}}}
    announced = {"sandbox": {"balancer": "none"}}
    app = {**_app("ingress", announced), **shop}
    cutting = {**_cutting(announced), **shop}
    nginx = {**_nginx("ingress", announced), **shop}
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


def _traefik_that_writes() -> tuple[Object, ...]:
    files = [fixtures() / "manifests" / f"{name}.yaml" for name in ("traefik", "ingress-traefik")]
    documents: list[Object] = [each for file in files for each in safe_load_all(file.read_text())]
    for each in documents:
        if each["kind"] == "Deployment":
            spec = each["spec"]["template"]["spec"]
            (container,) = spec["containers"]
            container["args"] += ARGUMENTS
            container["volumeMounts"] = [{"name": "logs", "mountPath": "/var/log/traefik"}]
            spec["volumes"] = [{"name": "logs", "hostPath": {"path": _LOGS}}]
        if (
            each["kind"] == "Service"
        ):  # else a node stands before it in the client's name, and its log says nobody else's
            each["spec"]["externalTrafficPolicy"] = "Local"
    return tuple(documents)


def _alone(prestop: str) -> Object:
    """One replica: of several, on a machine that starts them slowly, a new one is registered before the last old one
    goes."""
    one = {"kind": "Deployment", "name": "web", "patch": {"spec": {"replicas": 1}}}
    return {"mitigations": [{"prestop": prestop}], "patches": [one]}


def _ingress(class_: str, targets: str = "ip") -> Object:
    documents = safe_load_all((fixtures() / "manifests" / "ingress-alb.yaml").read_text())
    made: Object = next(document for document in documents if document["kind"] == "Ingress")
    annotations = made["metadata"]["annotations"]
    annotations["alb.ingress.kubernetes.io/target-type"] = targets
    if not class_:
        del made["spec"]["ingressClassName"]
        del made["metadata"]["annotations"]
    return made


def _balancer(profile: str, **changes: Any) -> Object:
    return {"sandbox": {"balancer": {"profile": profile, **_QUICK, **changes}}}


def _app(path: Any, cluster: Object, *, load: Object = _LOAD, quiet: str = "9s", **environment: str) -> Object:
    """The application of fixtures/app, which behaves as its environment says."""
    program = str(fixtures() / "app" / "app.py")
    told = {"APP_SLOW_S": "1.5", **{f"APP_{name}": value for name, value in environment.items()}}
    image: Object = {"command": ["{python}", "-I", "-S", program], "env": told}
    return {
        **_described("app", path, cluster),
        "images": {"app:1": image, "app:2": image},
        "update": {"image": {"app": ["app:2", "app:1"]}},
        "load": load,
        "quiet": quiet,
    }


def _cutting(cluster: Object) -> Object:
    return _app("ingress", cluster, load=_SLOW, ON_SIGTERM="cut")


def _nginx(path: Any, cluster: Object) -> Object:
    return {**_described("nginx", path, cluster), "update": {"image": {"nginx": ["nginx:1.29.1", "nginx:1.28.0"]}}}


def _described(manifest: str, path: Any, cluster: Object) -> Object:
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
        "load": _LOAD,
    }
