"""The table of resources."""

from __future__ import annotations

import pytest

from harness.sandbox.apiserver.resources import plural_of


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Pod", "pods"), ("Ingress", "ingresses"), ("IngressClass", "ingressclasses"),
        ("NetworkPolicy", "networkpolicies"), ("Gateway", "gateways"), ("HTTPRoute", "httproutes"),
    ],
)  # fmt: skip
def test_kinds_are_served_under_their_plural(kind: str, plural: str) -> None:
    assert plural_of(kind) == plural
