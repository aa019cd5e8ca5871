"""What kubectl sends as protobuf arrives as it was meant: it does not try JSON after a refusal."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from planes import Plane

KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.sandbox,
    pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed"),
]

CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}


async def kubectl(plane: Plane, line: str) -> str:
    assert KUBECTL is not None
    process = await asyncio.create_subprocess_exec(
        *(KUBECTL, *shlex.split(line)),
        env={**os.environ, "KUBECONFIG": str(plane.kubeconfig()), "HOME": str(plane.state)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(60):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


@pytest.mark.parametrize(
    ("line", "kind", "said", "spec"),
    [
        (
            "create ingress i1 --class=nginx --rule=h.example/*=web:80 --rule=h.example/login=web:80,tls=cert",
            "ingress/i1",
            "ingress.networking.k8s.io/i1 created",
            {
                "ingressClassName": "nginx",
                "tls": [{"hosts": ["h.example"], "secretName": "cert"}],
                "rules": [
                    {
                        "host": "h.example",
                        "http": {
                            "paths": [
                                {"path": "/", "pathType": "Prefix", "backend": BACKEND},
                                {"path": "/login", "pathType": "Exact", "backend": BACKEND},
                            ]
                        },
                    }
                ],
            },
        ),
        (
            "autoscale deployment web --min=1 --max=3 --cpu=50%",
            "hpa/web",
            "horizontalpodautoscaler.autoscaling/web autoscaled",
            {
                "minReplicas": 1,
                "maxReplicas": 3,
                "metrics": [CPU],
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            },
        ),
    ],
)
async def test_what_is_created_is_what_was_said(plane: Plane, line: str, kind: str, said: str, spec: Any) -> None:
    await kubectl(plane, "create deployment web --image=nginx:1.28.0 --replicas=0")
    assert (await kubectl(plane, line)).strip() == said
    stored = json.loads(await kubectl(plane, f"get {kind} -o json"))["spec"]
    assert {key: stored.get(key) for key in spec} == spec


async def test_a_copy_for_debugging_is_the_pod_with_another_container(plane: Plane) -> None:
    await kubectl(plane, "run web --image=nginx:1.28.0 --port=80 --env=A=b --labels=app=web")
    await kubectl(plane, "debug web --copy-to=copy --image=shell --container=debugger -- sleep 600")
    first = json.loads(await kubectl(plane, "get pod web -o json"))["spec"]
    copy = json.loads(await kubectl(plane, "get pod copy -o json"))["spec"]
    web, debugger = copy["containers"]
    assert web == first["containers"][0]
    assert web["env"] == [{"name": "A", "value": "b"}]
    assert (debugger["name"], debugger["image"], debugger["command"]) == ("debugger", "shell", ["sleep", "600"])


async def test_a_cron_job_starts_its_jobs(plane: Plane, eventually: Callable[..., Any]) -> None:
    out = await kubectl(plane, "create cronjob tick --image=shell --schedule='@every 1s' -- sleep 600")
    assert out.strip() == "cronjob.batch/tick created"
    header, row = (await kubectl(plane, "get cronjob")).splitlines()
    assert header.split() == ["NAME", "SCHEDULE", "TIMEZONE", "SUSPEND", "ACTIVE", "LAST", "SCHEDULE", "AGE"]
    assert row.split()[:5] == ["tick", "@every", "1s", "<none>", "False"]
    path = "/apis/batch/v1/namespaces/default/jobs"
    (first,) = await eventually(path, lambda jobs: len(jobs) == 1)
    assert first["metadata"]["name"].startswith("tick-")
    active = "/apis/batch/v1/namespaces/default/cronjobs"
    await eventually(active, lambda found: bool(found) and found[0].get("status", {}).get("active"))
    assert (await kubectl(plane, "create job now --from=cronjob/tick")).strip() == "job.batch/now created"


async def test_a_cron_job_that_can_never_be_due_is_refused(plane: Plane) -> None:
    with pytest.raises(AssertionError, match=r"spec.schedule: Invalid value: .*expected exactly 5 fields, found 1"):
        await kubectl(plane, "create cronjob tick --image=shell --schedule=often")


async def test_what_kubectl_asks_of_the_server_itself(plane: Plane) -> None:
    told = [line.split(maxsplit=1) for line in (await kubectl(plane, "auth whoami")).splitlines()]
    assert told == [
        ["ATTRIBUTE", "VALUE"],
        ["Username", "sandbox"],
        ["Groups", "[system:masters system:authenticated]"],
    ]
    await kubectl(plane, "create deployment web --image=nginx:1.28.0 --replicas=0")
    header, row = (await kubectl(plane, "get deployment web --subresource=scale")).splitlines()
    assert (header.split(), row.split()[:3]) == (["NAME", "DESIRED", "AVAILABLE", "AGE"], ["web", "0", "0"])
    explained = await kubectl(plane, "explain deployment.spec.strategy.rollingUpdate")
    assert "maxSurge\t<IntOrString>" in explained
    explained = await kubectl(plane, "explain pod.spec.containers")
    assert "name\t<string> -required-" in explained
    paths = json.loads(await kubectl(plane, "get --raw /"))["paths"]
    assert {"/api/v1", "/apis/apps/v1", "/readyz", "/version"} <= set(paths)


async def test_what_only_the_second_version_of_openapi_can_tell(plane: Plane) -> None:
    """kubectl asks for it, in protobuf, before it applies a List or a kind that nobody serves."""
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    file = plane.state / "list.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [settings]}))
    assert (await kubectl(plane, f"apply -f {file}")).strip() == "configmap/a created"
    file.write_text(json.dumps({"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "a"}}))
    with pytest.raises(AssertionError, match=r'no matches for kind "Thing" in version "example\.org/v1"'):
        await kubectl(plane, f"apply -f {file}")
    explained = await kubectl(plane, "explain deployment.spec.selector --output=plaintext-openapiv2")
    assert "matchLabels\t<map[string]string>" in explained
