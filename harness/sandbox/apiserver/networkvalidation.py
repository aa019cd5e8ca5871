"""An Ingress, IngressClass or NetworkPolicy -> what is wrong with it.

Source: kubernetes `pkg/apis/networking/validation/validation.go`.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from harness.sandbox.apiserver.servicevalidation import PROTOCOLS

if TYPE_CHECKING:
    from harness.sandbox.apiserver.field_errors import FieldErrors
    from harness.sandbox.apiserver.store import Object

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDS = ("/..", "/.")
_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_LONGEST_CONTROLLER_BYTES = 250
_DIRECTIONS = ("Egress", "Ingress")


def check_ingress(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """An Ingress."""
    spec = obj.get("spec") or {}
    rules = spec.get("rules") or []
    if not rules and spec.get("defaultBackend") is None:
        errors.invalid("spec", None, "either `defaultBackend` or `rules` must be specified")
    if spec.get("defaultBackend") is not None:
        _backend(errors, spec["defaultBackend"], "spec.defaultBackend")
    for n, rule in enumerate(rules):
        _rule(errors, rule, f"spec.rules[{n}]")
    for n, entry in enumerate(spec.get("tls") or ()):
        for m, host in enumerate(entry.get("hosts") or ()):
            errors.host(f"spec.tls[{n}].hosts[{m}]", host)
        if entry.get("secretName"):
            errors.subdomain(f"spec.tls[{n}].secretName", entry["secretName"])
    name = spec.get("ingressClassName")
    if name is not None:
        errors.subdomain("spec.ingressClassName", name)
    named = (obj["metadata"].get("annotations") or {}).get(_CLASS_ANNOTATION)
    if old is None and name is not None and named is not None and named != name:
        why = "must match `ingressClassName` when both are specified"
        errors.invalid(f"annotations.{_CLASS_ANNOTATION}", named, why)


def _rule(errors: FieldErrors, rule: Object, at: str) -> None:
    if host := rule.get("host"):
        if _is_address(host):
            errors.invalid(f"{at}.host", host, "must be a DNS name, not an IP address")
        errors.host(f"{at}.host", host)
    if (http := rule.get("http")) is None:
        return
    paths = http.get("paths") or []
    if not paths:
        errors.required(f"{at}.http.paths")
    for n, path in enumerate(paths):
        _path(errors, path, f"{at}.http.paths[{n}]")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _path(errors: FieldErrors, path: Object, at: str) -> None:
    kind, text = path.get("pathType"), path.get("path", "")
    if kind is None:
        errors.required(f"{at}.pathType", "pathType must be specified")
        return
    errors.one_of(f"{at}.pathType", kind, _PATH_TYPES)
    by_steps = kind in ("Exact", "Prefix")
    if not text.startswith("/") and (by_steps or (kind == "ImplementationSpecific" and text)):
        errors.invalid(f"{at}.path", text, "must be an absolute path")
    if by_steps:
        for sequence in _BAD_SEQUENCES:
            if sequence in text:
                errors.invalid(f"{at}.path", text, f"must not contain '{sequence}'")
        for end in _BAD_ENDS:
            if text.endswith(end):
                errors.invalid(f"{at}.path", text, f"cannot end with '{end}'")
    _backend(errors, path.get("backend") or {}, f"{at}.backend")


def _backend(errors: FieldErrors, backend: Object, at: str) -> None:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        errors.invalid(at, "", "cannot set both resource and service backends")
    elif resource is not None:
        _reference(errors, resource, f"{at}.resource")
    elif service is not None:
        _service_backend(errors, service, at)
    else:
        errors.invalid(at, "", "resource or service backend is required")


def _service_backend(errors: FieldErrors, service: Object, at: str) -> None:
    if service.get("name"):
        errors.label_1035(f"{at}.service.name", service["name"])
    else:
        errors.required(f"{at}.service.name")
    port = service.get("port") or {}
    if port.get("name") and port.get("number"):
        errors.invalid(at, "", "cannot set both port name & port number")
    elif port.get("name"):
        errors.port_or_name(f"{at}.service.port.name", port["name"])
    elif port.get("number"):
        errors.port(f"{at}.service.port.number", port["number"])
    else:
        errors.required(at, "port name or number is required")


def _reference(errors: FieldErrors, reference: Object, at: str) -> None:
    if reference.get("apiGroup") is not None:
        errors.subdomain(f"{at}.apiGroup", reference["apiGroup"])
    for field in ("kind", "name"):
        errors.segment(f"{at}.{field}", reference.get(field, ""))


def check_ingress_class(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """An IngressClass."""
    spec = obj.get("spec") or {}
    controller, parameters = spec.get("controller", ""), spec.get("parameters")
    if old is not None:
        errors.immutable("spec.controller", controller, (old.get("spec") or {}).get("controller", ""))
    if not controller:
        errors.required("spec.controller")
    else:
        if len(controller) > _LONGEST_CONTROLLER_BYTES:
            errors.too_long("spec.controller", _LONGEST_CONTROLLER_BYTES)
        if "/" not in controller or not all(controller.partition("/")[::2]):
            why = 'must be a domain-prefixed path (such as "acme.io/foo")'
            errors.invalid("spec.controller", controller, why)
    if parameters is None:
        return
    at = "spec.parameters"
    _reference(errors, parameters, at)
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    errors.one_of(f"{at}.scope", scope, ("Cluster", "Namespace"))
    if scope == "Namespace" and namespace is None:
        errors.required(f"{at}.namespace", "`parameters.scope` is set to 'Namespace'")
    elif scope == "Namespace":
        errors.label(f"{at}.namespace", namespace)
    elif scope == "Cluster" and namespace is not None:
        errors.forbidden(f"{at}.namespace", "`parameters.scope` is set to 'Cluster'")


def check_network_policy(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A NetworkPolicy."""
    spec = obj.get("spec") or {}
    errors.selector("spec.podSelector", spec.get("podSelector"))
    for direction, others in (("ingress", "from"), ("egress", "to")):
        for n, rule in enumerate(spec.get(direction) or ()):
            at = f"spec.{direction}[{n}]"
            for m, port in enumerate(rule.get("ports") or ()):
                _policy_port(errors, port, f"{at}.ports[{m}]")
            for m, peer in enumerate(rule.get(others) or ()):
                _peer(errors, peer, f"{at}.{others}[{m}]")
    kinds = spec.get("policyTypes") or []
    if len(kinds) > len(_DIRECTIONS):
        errors.invalid("spec.policyTypes", kinds, "may not specify more than two policyTypes")
        return
    for n, kind in enumerate(kinds):
        errors.one_of(f"spec.policyTypes[{n}]", kind, _DIRECTIONS)


def _policy_port(errors: FieldErrors, port: Object, at: str) -> None:
    if port.get("protocol") is not None:
        errors.one_of(f"{at}.protocol", port["protocol"], PROTOCOLS)
    first, last = port.get("port"), port.get("endPort")
    if first is not None:
        errors.port_or_name(f"{at}.port", first)
    if last is None:
        return
    if first is None:
        errors.invalid(f"{at}.endPort", last, "may not be specified when `port` is not specified")
    elif isinstance(first, str):
        errors.invalid(f"{at}.endPort", last, "may not be specified when `port` is non-numeric")
    else:
        if last < first:
            errors.invalid(f"{at}.endPort", last, "must be greater than or equal to `port`")
        errors.port(f"{at}.endPort", last)


def _peer(errors: FieldErrors, peer: Object, at: str) -> None:
    given = [field for field in ("podSelector", "namespaceSelector", "ipBlock") if peer.get(field) is not None]
    for field in given:
        if field == "ipBlock":
            _block(errors, peer[field], f"{at}.ipBlock")
        else:
            errors.selector(f"{at}.{field}", peer[field])
    if not given:
        errors.required(at, "must specify a peer")
    elif len(given) > 1 and "ipBlock" in given:
        errors.forbidden(at, "may not specify both ipBlock and another peer")


def _block(errors: FieldErrors, block: Object, at: str) -> None:
    if not block.get("cidr"):
        errors.required(f"{at}.cidr")
        return
    if not errors.cidr(f"{at}.cidr", block["cidr"]):
        return
    whole = ip_network(block["cidr"], strict=False)
    for n, text in enumerate(block.get("except") or ()):
        if not errors.cidr(f"{at}.except[{n}]", text):
            continue
        part = ip_network(text, strict=False)
        if part.version != whole.version or part.prefixlen <= whole.prefixlen or part.network_address not in whole:
            errors.invalid(f"{at}.except[{n}]", text, "must be a strict subset of `cidr`")
