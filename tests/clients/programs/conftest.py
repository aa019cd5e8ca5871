"""What the programs of all clients share: a namespace of their own, and manifests."""

from __future__ import annotations

import json
import subprocess
import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Object = dict[str, Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def kubectl(*arguments: str, text: str | None = None) -> str:
    """What kubectl prints; fails with its complaint."""
    done = subprocess.run(["kubectl", *arguments], capture_output=True, text=True, input=text, timeout=200)
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done.stdout


@pytest.fixture
def namespace() -> Iterator[str]:
    """A namespace of this test alone."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def deployment() -> Callable[..., Object]:
    """The manifest of a Deployment of nginx: `deployment("web", replicas=2)`."""

    def made(name: str, *, replicas: int = 1, image: str = "nginx:1.28.0") -> Object:
        probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1}
        container = {"name": "nginx", "image": image, "ports": [{"containerPort": 80}], "readinessProbe": probe}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
            },
        }

    return made


@pytest.fixture
def crd(request: pytest.FixtureRequest) -> Iterator[Object]:
    """A custom kind of this test alone: `shops` of a group of its own, with a status and a scale; gone at the end."""
    group = f"{uuid.uuid4().hex[:8]}.example.org"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"shops.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "shops", "singular": "shop", "kind": "Shop"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "subresources": {
                        "status": {},
                        "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"},
                    },
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {
                                    "type": "object",
                                    "required": ["size"],
                                    "properties": {
                                        "size": {"type": "integer", "minimum": 0, "maximum": 3},
                                        "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
                                    },
                                },
                                "status": {
                                    "type": "object",
                                    "properties": {"size": {"type": "integer"}},
                                    "x-kubernetes-preserve-unknown-fields": True,
                                },
                            },
                        }
                    },
                }
            ],
        },
    }

    kubectl("create", "-f", "-", text=json.dumps(definition))
    kubectl("wait", f"crd/{definition['metadata']['name']}", "--for=condition=Established", "--timeout=20s")
    yield definition
    kubectl("delete", "crd", definition["metadata"]["name"], "--wait=false")
