"""Kubernetes' dialect of JSONPath."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.apiserver.custom.jsonpath import PathError, path_of

OBJECT = {
    "metadata": {"annotations": {"a.b/c": "dotted"}, "name": "x"},
    "spec": {"sizes": [1, 2, 3, 4], "ports": [{"name": "web", "port": 80}, {"name": "admin", "port": 81, "tls": True}]},
    "status": {"conditions": [{"type": "Synced", "status": "True"}, {"type": "Ready", "status": "False"}]},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".metadata.name", ["x"]),
        ("$.metadata.name", ["x"]),
        (r".metadata.annotations.a\.b/c", ["dotted"]),
        (".metadata.annotations['a.b/c']", ["dotted"]),
        ('.metadata.annotations["a.b/c"]', ["dotted"]),
        (".spec.sizes", [[1, 2, 3, 4]]),
        (".spec.sizes[0]", [1]),
        (".spec.sizes[-1]", [4]),
        (".spec.sizes[9]", []),
        (".spec.sizes[]", [1]),
        (".spec.sizes[*]", [1, 2, 3, 4]),
        (".spec.sizes[1:3]", [2, 3]),
        (".spec.sizes[::2]", [1, 3]),
        (".spec.ports[*].name", ["web", "admin"]),
        ('.status.conditions[?(@.type=="Ready")].status', ["False"]),
        (".status.conditions[?(@.type=='Ready')].status", ["False"]),
        (".status.conditions[?(@.type != 'Ready')].type", ["Synced"]),
        (".spec.ports[?(@.port > 80)].name", ["admin"]),
        (".spec.ports[?(@.tls)].name", ["admin"]),
        (".spec.ports[?(@.tls==true)].name", ["admin"]),
        (".spec.ports[?(@.name > 3)].name", []),
        ("..port", [80, 81]),
        (".status.nothing.there", []),
        (".spec.sizes.name", []),
    ],
)
def test_a_path_finds_what_it_leads_to(path: str, found: list[Any]) -> None:
    assert path_of(path).found(OBJECT) == found


@pytest.mark.parametrize("path", [".spec[", ".spec[a b]", ".spec.[?(@.x==)]", ".a{", ".spec['x]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(PathError):
        path_of(path)
