"""An application whose image is not there -> what its stand-in does otherwise, in sentences for the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from harness.manifests.application import Application
from harness.spec.hooks import only_sleeps
from harness.spec.workload import containers, pod_spec

_PROBES = ("readinessProbe", "livenessProbe", "startupProbe")
_PROVIDED = ("emptyDir", "configMap", "secret", "downwardAPI", "projected")
Object = dict[str, Any]


def stand_in_notes(application: Application, stand_in: Callable[[str], bool]) -> tuple[str, ...]:
    """What is to be said of the target's stand-ins; nothing where it has none. `stand_in`: of an image's name."""
    pod = pod_spec(application.target)
    initial = tuple(pod.get("initContainers") or ())
    everyone = [c for c in (*initial, *containers(pod)) if stand_in(str(c.get("image")))]
    serving = [c for c in everyone if c not in initial or c.get("restartPolicy") == "Always"]
    if not everyone:
        return ()
    said = (
        ("Init containers stood in for succeed at once", [c["name"] for c in everyone if c not in serving]),
        ("Probes' commands that cannot be run here count as a success while the stand-in listens", _commanded(serving)),
        ("Hooks that do more than sleep are run with this machine's programs, and what fails of them is passed over",
         [c["name"] for c in serving if not _hooks_sleep(c)]),
        ("Not among the manifests, so left empty", _missing(application, pod, everyone)),
        ("Volumes that are empty folders", _emptied(pod, everyone)),
    )  # fmt: skip
    return tuple(f"{what}: {', '.join(dict.fromkeys(named))}." for what, named in said if named)


def _commanded(serving: Iterable[Object]) -> list[str]:
    return [f"{name} of {c['name']}" for c in serving for name in _PROBES if "exec" in (c.get(name) or {})]


def _hooks_sleep(container: Object) -> bool:
    after = (container.get("lifecycle") or {}).get("postStart")
    return only_sleeps(container) and only_sleeps({"lifecycle": {"preStop": after}})


def _missing(application: Application, pod: Object, everyone: Iterable[Object]) -> list[str]:
    have = {(m["kind"], m["metadata"]["name"]) for m in application.manifests}
    wanted = [pair for c in everyone for pair in _from_environment(c)]
    wanted += [pair for volume in pod.get("volumes") or () for pair in _from_volume(volume)]
    return [f"{kind} {name}" for kind, name in wanted if name and (kind, name) not in have]


def _from_environment(container: Object) -> Iterable[tuple[str, str]]:
    for item in container.get("envFrom") or ():
        yield "ConfigMap", (item.get("configMapRef") or {}).get("name", "")
        yield "Secret", (item.get("secretRef") or {}).get("name", "")
    for item in container.get("env") or ():
        source = item.get("valueFrom") or {}
        yield "ConfigMap", (source.get("configMapKeyRef") or {}).get("name", "")
        yield "Secret", (source.get("secretKeyRef") or {}).get("name", "")


def _from_volume(volume: Object) -> Iterable[tuple[str, str]]:
    for part in (volume, *((volume.get("projected") or {}).get("sources") or ())):
        secret = part.get("secret") or {}
        yield "ConfigMap", (part.get("configMap") or {}).get("name", "")
        yield "Secret", secret.get("secretName") or secret.get("name", "")


def _emptied(pod: Object, everyone: Iterable[Object]) -> list[str]:
    mounted = {mount["name"] for container in everyone for mount in container.get("volumeMounts") or ()}
    unknown = [v for v in pod.get("volumes") or () if v["name"] in mounted and not any(kind in v for kind in _PROVIDED)]
    return [str(volume["name"]) for volume in unknown]
