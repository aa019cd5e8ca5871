"""What admission refuses comes as 403 like a lack of rights, and is told with what to do about it."""

from __future__ import annotations

import json

import pytest

from harness.kube.errors import refusal

RIGHTS = "Ask for that right, or use a context that has it."


@pytest.mark.parametrize(
    ("status", "message", "do"),
    [
        (403, 'secrets is forbidden: User "ada" cannot create resource "secrets" in API group ""', RIGHTS),
        (
            403,
            'pods "web" is forbidden: exceeded quota: few, requested: pods=1, used: pods=3, limited: pods=3',
            "Ask for a larger quota, want less, or use another namespace.",
        ),
        (
            403,
            'pods "web" is forbidden: failed quota: few: must specify limits.cpu for: nginx',
            "Write resources into the manifest, or use another namespace.",
        ),
        (
            403,
            'pods "web" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true (pod or '
            "container)",
            "Change what it names in the pod template, or use another namespace.",
        ),
        (
            403,
            'pods "web" is forbidden: maximum cpu usage per Container is 500m, but limit is 2',
            "Keep to the namespace's LimitRange.",
        ),
        (
            403,
            'admission webhook "validate.kyverno.svc-fail" denied the request: resource violated policy require-digest',
            "Do what it asks for, or ask who runs that policy.",
        ),
        (
            422,
            "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'digests' with binding 'all' denied "
            "request: no",
            "Do what it asks for, or ask who runs that policy.",
        ),
        (
            500,
            'Internal error occurred: failed calling webhook "inject.example": no endpoints available for service '
            '"inject"',
            "Is the webhook's own Service up? Ask who runs it.",
        ),
        (
            403,
            'configmaps "web" is forbidden: unable to create new content in namespace shop because it is being '
            "terminated",
            "Wait until the namespace is gone, or use another.",
        ),
        (409, 'deployments.apps "web" already exists', ""),
    ],
)
def test_each_plugin_s_words_are_known(status: int, message: str, do: str) -> None:
    body = json.dumps({"kind": "Status", "reason": "Forbidden", "message": message}).encode()
    refused = refusal("POST /api/v1", status, body)
    assert refused.do == do
    assert refused.message == message
