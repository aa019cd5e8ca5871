"""What stands in a run's way on somebody's cluster is said, all at once, before anything is changed.

Each row has a namespace with one thing in it; the command line runs against a control plane, reached by a context.
"""

from __future__ import annotations

import json
import os
import pty
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from anyio import to_thread
from planes import Plane, control_plane, playing
from preflight_rows import ROWS, THERE, Row, There
from ruamel.yaml import YAML

from harness.cli import run
from harness.cli.app import arranged
from harness.cli.ending import ended
from harness.kube.client import MERGE
from harness.kube.connection import from_kubeconfig_file
from harness.sandbox.apiclient import ApiClient

pytestmark = [pytest.mark.sandbox, pytest.mark.anyio, pytest.mark.timeout(300)]

Object = dict[str, Any]
EXPERIMENT = """\
version: 1
name: before
manifests: [web.yaml]
service: {name: web, port: 80}
rollouts: 1
load: {new: {rate: 10}}
"""


@pytest.fixture(scope="module")
def plane() -> Iterator[Plane]:
    with control_plane() as started:
        yield started


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the command line printed, and its exit code."""

    code: int
    lines: tuple[str, ...]

    @property
    def error(self) -> str:
        (line,) = (line.removeprefix("error: ") for line in self.lines if line.startswith("error: "))
        return line

    @property
    def warned(self) -> tuple[str, ...]:
        return tuple(line for line in self.lines if line.startswith(("mind: ", "note: ")))


Run = Callable[..., Told]


@pytest.fixture
def documents(repository: Path) -> list[Object]:
    """The manifests that are deployed, or stand there."""
    yaml = YAML(typ="safe")
    return list(yaml.load_all((repository / "fixtures" / "manifests" / "nginx-both.yaml").read_text()))


@pytest.fixture
def rolled(
    plane: Plane,
    tmp_path: Path,
    documents: list[Object],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run the command line with `--yes` up to where it would deploy: that nothing stops it is exit code 0."""
    monkeypatch.setattr(run, "execute", lambda *_, **__: 0)
    monkeypatch.setattr("harness.cli.ending.paragraph", lambda line: line)

    def rolled(
        *more: str,
        kubeconfig: Path | None = None,
        change: Callable[[list[Object]], None] = lambda _: None,
        say: str = "",
        there: str = "",
    ) -> Told:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig or plane.kubeconfig()))
        manifests = deepcopy(documents)
        change(manifests)
        with (tmp_path / "web.yaml").open("w") as file:
            YAML(typ="safe").dump_all(manifests, file)
        file = tmp_path / "experiment.yaml"
        deployed, stands = "manifests: [web.yaml]", f"target: deployment/web\nnamespace: {there}"
        file.write_text((EXPERIMENT.replace(deployed, stands) if there else EXPERIMENT) + say)
        words = ["run", str(file), "--cluster", "context:sandbox", "--worker-image", "stock", *more]
        code, _ = ended(lambda: arranged(words), "rollout-harness run")
        return Told(code=code, lines=tuple(capsys.readouterr().err.splitlines()))

    return rolled


async def put(plane: Plane, namespace: str, objects: tuple[Object, ...], labels: dict[str, str] | None = None) -> None:
    """Makes the namespace with these objects in it."""
    async with from_kubeconfig_file(plane.kubeconfig()) as kube:
        metadata = {"name": namespace, "labels": labels or {}}
        await kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        for each in objects:
            await kube.create(each, namespace)


async def rule(plane: Plane, *rules: Object) -> None:
    """What the API does to requests from now on."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(plane.socket))) as session,
        session.put("http://api/sandbox/faults", json=rules) as response,
    ):
        assert response.status == 200, await response.text()


def test_a_clean_cluster_prints_no_warning(rolled: Run) -> None:
    told = rolled("--yes")
    assert told.warned == ()
    assert told.code == 0


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
async def test_each_thing_in_the_way_is_said_alone(plane: Plane, rolled: Run, row: Row) -> None:
    await put(plane, row.name, row.objects, row.labels)
    await rule(plane, *({**each, "namespaces": [row.name]} for each in row.rules))
    told = await to_thread.run_sync(lambda: rolled("--yes", "--namespace", row.name, change=row.change))
    said = told.warned if row.code == 0 else (told.error.partition(" before anything is changed: ")[2], *told.warned)
    assert said == (row.line,)
    assert told.code == row.code


@pytest.mark.parametrize("row", THERE, ids=[row.name for row in THERE])
async def test_each_thing_in_the_way_of_an_application_that_is_there_is_said_alone(
    plane: Plane, client: ApiClient, eventually: Callable[..., Any], documents: list[Object], rolled: Run, row: There
) -> None:
    deployments = f"/apis/apps/v1/namespaces/{row.name}/deployments"

    async def until(holds: Callable[[Object], bool]) -> None:
        await eventually(deployments, lambda found: any(holds(each) for each in found))

    async with playing(client, f"node-{row.name}") as kubelet:
        kubelet.held = lambda pod: pod["spec"]["containers"][0]["image"].endswith("held-back")
        row.change(documents)
        await put(plane, row.name, tuple(documents))
        await until(lambda found: found["status"].get("availableReplicas") == 2)
        for each in row.objects:
            await client.create(f"{_PLACES[each['kind']].format(row.name)}", each)
        if row.objects:
            await eventually(_PLACES[row.objects[0]["kind"]].format(row.name), _counted)
        if row.later is not None:
            row.later(documents)
            changed = next(each for each in documents if each["kind"] == "Deployment")
            await client.patch(f"{deployments}/web", {"spec": changed["spec"]})
            await until(lambda found: found["status"].get("observedGeneration") == found["metadata"]["generation"] > 1)
            if not changed["spec"].get("paused"):
                await until(lambda found: found["status"].get("updatedReplicas") == 1)
        told = await to_thread.run_sync(partial(rolled, "--yes", there=row.name, say=row.say))
    said = told.warned if row.code == 0 else (told.error.partition(" before anything is changed: ")[2], *told.warned)
    assert said == row.lines
    assert told.code == row.code
    await client.delete(f"{deployments}/web")
    await client.delete(f"/api/v1/nodes/node-{row.name}")


_PLACES = {
    "ResourceQuota": "/api/v1/namespaces/{}/resourcequotas",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
}


def _counted(found: list[Object]) -> bool:
    """Whether their controller has seen the pods."""
    status = found[0].get("status") or {} if found else {}
    return (status.get("used") or {}).get("pods") == "2" or status.get("currentHealthy") == 2


async def test_a_policy_against_new_namespaces_is_known_before_one_is_made(plane: Plane, rolled: Run) -> None:
    await rule(plane, {"do": "deny", "methods": ["POST"], "resources": ["namespaces"], "message": "ask the platform"})
    told = await to_thread.run_sync(lambda: rolled("--yes"))
    await rule(plane)
    assert told.code == 2
    assert told.error.endswith(
        'a new namespace would be refused: admission webhook "deny.sandbox" denied the request: ask the platform. '
        "Do what it asks for, or ask who runs that policy."
    )


def test_without_a_terminal_it_needs_yes_and_says_what_it_found(rolled: Run) -> None:
    told = rolled()
    assert told.code == 2
    assert "standard input is not a terminal. Nothing was changed. Give --yes to run without asking." in told.error
    assert told.lines[0] == "before: 1 scenario x 1 rollout on context sandbox"


@pytest.mark.parametrize(("answer", "code"), [("n", 2), ("", 2), ("y", 0)])
def test_on_a_terminal_it_asks(rolled: Run, monkeypatch: pytest.MonkeyPatch, answer: str, code: int) -> None:
    opened, terminal = pty.openpty()
    with os.fdopen(opened, "r+b", buffering=0) as keys, os.fdopen(terminal) as shown:
        keys.write(f"{answer}\n".encode())
        monkeypatch.setattr("sys.stdin", shown)
        told = rolled()
    assert told.code == code
    assert any(
        "Deploy into a new namespace of context sandbox, load it and roll it? [y/N]" in line for line in told.lines
    )
    if code:
        assert told.lines[-1].endswith("asking before the cluster is changed: the answer was no; nothing was changed")


async def test_a_namespace_that_is_stuck_in_its_end_is_told_with_what_holds_it(plane: Plane, rolled: Run) -> None:
    held = {"name": "held", "finalizers": ["example.com/never"]}
    await put(plane, "stuck", ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": held},))
    async with from_kubeconfig_file(plane.kubeconfig()) as kube:
        await kube.delete("v1", "Namespace", "stuck")
        # As pkg/controller/namespace/deletion/status_condition_utils.go writes it.
        why = "Some content in the namespace has finalizers remaining: example.com/never in 1 resource instances"
        conditions = [
            {
                "type": "NamespaceDeletionContentFailure",
                "status": "False",
                "message": "All content successfully deleted",
            },
            {"type": "NamespaceFinalizersRemaining", "status": "True", "message": why},
        ]
        await kube.request(
            "PATCH",
            "/api/v1/namespaces/stuck/status",
            body={"status": {"conditions": conditions}},
            headers={"Content-Type": MERGE},
        )
        told = await to_thread.run_sync(lambda: rolled("--yes", "-n", "stuck"))
        await kube.patch(
            "v1", "ConfigMap", "held", {"metadata": {"finalizers": []}}, namespace="stuck", content_type=MERGE
        )
    assert told.code == 2
    seen = told.error.partition(" before anything is changed: ")[2]
    assert re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "TIME", seen) == (
        f"namespace stuck is being deleted since TIME ({why}). Wait until it is gone, or use another namespace."
    )


@pytest.mark.parametrize("context", ["prod", "eu-PROD-2", "production"])
def test_a_protected_context_is_refused_whatever_is_said(rolled: Run, context: str) -> None:
    told = rolled("--yes", "--cluster", f"context:{context}")
    assert told.code == 2
    assert told.error.startswith(f"looking at context {context}: it is protected: protected_contexts has '*prod*'.")


def test_which_contexts_are_protected_is_the_experiment_s_to_say(rolled: Run) -> None:
    assert rolled("--yes", say='protected_contexts: ["sand*"]\n').code == 2
    assert rolled("--yes", say="protected_contexts: []\n").code == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user who has the rights of the Role in fixtures/manifests/rbac.yaml, but for some, and in one namespace."""

    plane: Plane
    role: Object

    async def kubeconfig(self, namespace: str, folder: Path, without: tuple[str, str] = ("", "")) -> Path:
        """Of an account in a namespace of that name, made for it. `without`: resource and verb that it has not."""
        rules = [
            {**rule, "resources": [resource], "verbs": verbs}
            for rule in self.role["rules"]
            for resource in rule["resources"]
            if (verbs := [verb for verb in rule["verbs"] if (resource, verb) != without])
        ]
        api, subject = "rbac.authorization.k8s.io", {"kind": "ServiceAccount", "name": "ada", "namespace": namespace}
        await put(
            self.plane,
            namespace,
            (
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ada"}},
                {**self.role, "rules": rules},
                {
                    "apiVersion": f"{api}/v1",
                    "kind": "RoleBinding",
                    "metadata": {"name": "ada"},
                    "roleRef": {"apiGroup": api, "kind": "Role", "name": self.role["metadata"]["name"]},
                    "subjects": [subject],
                },
            ),
        )
        async with from_kubeconfig_file(self.plane.kubeconfig()) as kube:
            path = f"/api/v1/namespaces/{namespace}/serviceaccounts/ada/token"
            asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
            token = (await kube.request("POST", path, body=asked))["status"]["token"]
        config = json.loads(self.plane.kubeconfig().read_text())
        config["users"][0]["user"] = {"token": token}
        file = folder / f"{namespace}.config"
        file.write_text(json.dumps(config))
        return file


@pytest.fixture
def account(plane: Plane, repository: Path) -> Account:
    return Account(plane=plane, role=YAML(typ="safe").load(repository / "fixtures" / "manifests" / "rbac.yaml"))


async def test_the_role_of_the_fixtures_passes_in_a_namespace_that_is_there(
    account: Account, rolled: Run, tmp_path: Path
) -> None:
    kubeconfig = await account.kubeconfig("ada", tmp_path)
    told = await to_thread.run_sync(lambda: rolled("--yes", "-n", "ada", kubeconfig=kubeconfig))
    assert told.warned == ()
    assert told.code == 0


async def test_every_right_of_that_role_is_needed_and_named_where_it_is_missing(
    account: Account, rolled: Run, tmp_path: Path
) -> None:
    rights = [
        (resource, verb) for rule in account.role["rules"] for resource in rule["resources"] for verb in rule["verbs"]
    ]
    assert len(rights) == 37
    for number, (resource, verb) in enumerate(rights):
        name = f"ada-{number}"
        kubeconfig = await account.kubeconfig(name, tmp_path, without=(resource, verb))
        told = await to_thread.run_sync(partial(rolled, "--yes", "-n", name, kubeconfig=kubeconfig))
        said = told.error if told.code else " ".join(told.warned)
        assert resource.partition("/")[0] in said, (resource, verb, told)
        assert told.code == 2 or told.warned, (resource, verb)


async def test_all_missing_rights_are_named_at_once(account: Account, rolled: Run, tmp_path: Path) -> None:
    account.role["rules"] = [
        rule for rule in account.role["rules"] if not {"secrets", "pods/log", "deployments"} & {*rule["resources"]}
    ]
    kubeconfig = await account.kubeconfig("few", tmp_path)
    told = await to_thread.run_sync(lambda: rolled("--yes", "-n", "few", kubeconfig=kubeconfig))
    assert told.code == 2
    assert told.error == (
        f"checking namespace few of {account.plane.url.removeprefix('https://')} before anything is changed: "
        "in namespace few this user may not create, delete, patch, list and watch deployments.apps, create and delete "
        "secrets, get pods/log. Ask for these rights; fixtures/manifests/rbac.yaml is a Role with all that a run needs."
    )


async def test_who_may_make_no_namespace_is_told_how_to_do_without(
    account: Account, rolled: Run, tmp_path: Path
) -> None:
    kubeconfig = await account.kubeconfig("lone", tmp_path)
    told = await to_thread.run_sync(lambda: rolled("--yes", kubeconfig=kubeconfig))
    assert told.code == 2
    assert "this user may not create, get and delete namespaces. Give --namespace EXISTING" in told.error
