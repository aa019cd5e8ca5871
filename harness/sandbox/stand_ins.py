"""A pod whose images are not there -> the same pod for small servers of ours that stand in for its applications.

Everything that a rollout goes by stays as the manifest has it: probes, hooks, grace, ports, restart policy. What only
the real image could use is made to do: a ConfigMap or Secret that does not exist is empty, a volume that the sandbox
cannot provide is an empty folder, a mount over what the stand-in itself runs on is left out.
"""

from __future__ import annotations

import os
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.sandbox.images import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Object = dict[str, Any]

_PROGRAM = Path(__file__).parent / "image_files" / "stand_in"  # a folder with a __main__.py
_OWN_HANDLERS = ("readinessProbe", "livenessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
_PROVIDED = ("emptyDir", "configMap", "secret", "downwardAPI", "projected")
_LOADER = "LD_"


def stand_in_image(name: str, at_stop: str, latency_s: float) -> Image:
    """The image `name` as a stand-in that does `at_stop` with its work (finishes, exits, ignores, refuses)."""
    places = (str(_PROGRAM), sys.prefix, sys.base_prefix)
    return Image(
        name=name,
        entrypoint=(sys.executable, "-I", "-S", "-B", str(_PROGRAM)),
        env=(("STAND_IN_AT_STOP", at_stop), ("STAND_IN_LATENCY_S", f"{latency_s:g}")),
        shared=tuple(dict.fromkeys(places)),
        fixed=True,
        stand_in=True,
    )


def adapted(pod: Object, stand_in: Callable[[str], bool]) -> Object:
    """The pod with what its stand-ins need; the same object where it has none. `stand_in`: whether an image is one."""
    spec = pod["spec"]
    standing = {id(c) for c in _containers(spec) if stand_in(c.get("image", ""))}
    if not standing:
        return pod
    real = {m["name"] for c in _containers(spec) if id(c) not in standing for m in c.get("volumeMounts") or ()}
    made = {**spec, "volumes": [v if v["name"] in real else _volume(v) for v in spec.get("volumes") or ()]}
    for key in ("initContainers", "containers"):
        if spec.get(key):
            made[key] = [_container(c, spec, key) if id(c) in standing else c for c in spec[key]]
    return {**pod, "spec": made}


def with_service_ports(container: Object, ports: Iterable[tuple[str, int]]) -> Object:
    """The stand-in's container, listening on these ports too: (protocol, number)."""
    made = dict(container)
    for protocol, number in ports:
        made["env"] = [_added(entry, protocol, number) for entry in made["env"]]
    return made


def undeclared(spec: Object, ports: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Those of the ports, of Services before the pod, that none of its containers declares."""
    declared = {port for c in _containers(spec) for port in _declared(c)}
    return tuple(sorted(set(ports) - declared))


def _containers(spec: Object) -> tuple[Object, ...]:
    return (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))


def _container(container: Object, spec: Object, key: str) -> Object:
    made = deepcopy(container)
    made.pop("workingDir", None)
    # Who it runs as says nothing of a stand-in, and must not keep it from what it runs on.
    made["securityContext"] = {**(made.get("securityContext") or {}), "runAsUser": 0, "runAsGroup": 0}
    made["volumeMounts"] = [mount for mount in made.get("volumeMounts") or () if not _is_in_the_way(mount)]
    for handler in _handlers(made):
        for kind in ("httpGet", "tcpSocket"):
            (handler.get(kind) or {}).pop("host", None)
    for item in made.get("envFrom") or ():
        for reference in ("configMapRef", "secretRef"):
            if reference in item:
                item[reference]["optional"] = True
    env = [_forgiving(item) for item in made.get("env") or () if not str(item.get("name")).startswith(_LOADER)]
    made["env"] = [*env, *({"name": name, "value": value} for name, value in _own_env(container, spec, key))]
    return made


def _forgiving(item: Object) -> Object:
    for reference in ("configMapKeyRef", "secretKeyRef"):
        if reference in (item.get("valueFrom") or {}):
            item["valueFrom"][reference]["optional"] = True
    return item


def _own_env(container: Object, spec: Object, key: str) -> Iterable[tuple[str, str]]:
    sidecar = key == "initContainers" and container.get("restartPolicy") == "Always"
    if not sidecar and (key == "initContainers" or spec.get("restartPolicy", "Always") != "Always"):
        yield "STAND_IN_ENDS", "1"
        return
    others = {port for c in _containers(spec) if c is not container for port in _declared(c)}
    ports = {*_declared(container), *(port for port in _asked(container) if port not in others)}
    for protocol in ("TCP", "UDP"):
        yield f"STAND_IN_{protocol}", ",".join(str(number) for p, number in sorted(ports) if p == protocol)
    yield "STAND_IN_STOP_SIGNAL", (container.get("lifecycle") or {}).get("stopSignal") or "SIGTERM"
    yield "STAND_IN_CERTIFICATE", certificate()


def _declared(container: Object) -> set[tuple[str, int]]:
    ports = container.get("ports") or ()
    return {(port.get("protocol") or "TCP", int(port["containerPort"])) for port in ports if port.get("containerPort")}


def _asked(container: Object) -> set[tuple[str, int]]:
    """The ports that its probes and hooks name by number."""
    actions = (h.get(kind) or {} for h in _handlers(container) for kind in ("httpGet", "tcpSocket", "grpc"))
    return {("TCP", int(action["port"])) for action in actions if str(action.get("port", "")).isdigit()}


def _handlers(container: Object) -> tuple[Object, ...]:
    hooks = container.get("lifecycle") or {}
    named = (*(container.get(name) for name in _OWN_HANDLERS), *(hooks.get(name) for name in _HOOKS))
    return tuple(handler for handler in named if handler)


def _added(entry: Object, protocol: str, number: int) -> Object:
    if entry.get("name") != f"STAND_IN_{protocol}":
        return entry
    ports = [port for port in entry["value"].split(",") if port]
    return {**entry, "value": ",".join(dict.fromkeys((*ports, str(number))))}


def _volume(volume: Object) -> Object:
    """The volume with what is missing allowed to be missing, or an empty folder."""
    if not any(kind in volume for kind in _PROVIDED):
        return {"name": volume["name"], "emptyDir": {}}
    made = deepcopy(volume)
    for part in (made, *((made.get("projected") or {}).get("sources") or ())):
        for kind in ("configMap", "secret"):
            if kind in part:
                part[kind]["optional"] = True
    return made


def _is_in_the_way(mount: Object) -> bool:
    """Whether it would hide what the stand-in runs on, or cannot be mounted over what this machine has there."""
    path = Path(os.path.normpath(mount["mountPath"]))
    needed = (sys.executable, os.path.realpath(sys.executable), os.__file__, str(_PROGRAM), *_LIBRARIES)
    if any(Path(place).is_relative_to(path) for place in needed):
        return True
    return path.is_file() or not path.is_absolute() or path.parts[1:2] in (("proc",), ("sys",), ("dev",))


@cache
def certificate() -> str:
    """Key and certificate of all stand-ins of this process, as PEM; no probe checks who signed it."""
    import trustme  # it takes a tenth of what a node loads, and most nodes run no stand-in

    issued = trustme.CA(organization_name="rollout-harness stand-in").issue_cert("stand-in")
    chain = (issued.private_key_pem, *issued.cert_chain_pems)
    return b"".join(part.bytes() for part in chain).decode()
