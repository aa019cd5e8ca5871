"""`check` on files, folders and pipes: what it finds and where, what it passes over, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.check.sources import Source, sources
from harness.check.surroundings import Found, Index
from harness.manifests.located import Located, located_objects
from tests.unit.check.command import ROOT, Checked, check

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: 3
  minReadySeconds: 5
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: log
          image: log:1
          {log}
        - name: web
          image: web:1
          ports: [{{name: http, containerPort: 8080}}]
          readinessProbe: {{httpGet: {{port: http}}}}
          {web}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80, targetPort: http}}]}}
"""
HOOK = "lifecycle: {preStop: {sleep: {seconds: 5}}}"


def application(name: str = "web", web: str = "", log: str = HOOK) -> str:
    return DEPLOYMENT.format(name=name, web=web, log=log) + "---\n" + SERVICE.format(name=name)


def test_a_finding_stands_on_the_line_that_it_is_about() -> None:
    found = check(given="# all of it\n---\n" + application())
    assert found.code == 1
    (one,) = found.findings
    assert (one["rule"], one["severity"], one["cause"]) == ("no-prestop", "error", "termination-race")
    assert (one["file"], one["line"]) == ("standard-input", 17)  # the container that serves, which has none
    assert one["workload"] == "Deployment web"


def test_a_list_and_a_stream_of_json_are_read_as_the_objects_that_they_hold() -> None:
    text = application()
    indented = ["    ".join(["", *part.splitlines(keepends=True)]) for part in text.split("---\n")]
    items = "".join(f"  - {part.lstrip()}" for part in indented)
    listed = check(given=f"apiVersion: v1\nkind: List\nitems:\n{items}")
    assert [(one["rule"], one["line"]) for one in listed.findings] == [("no-prestop", 18)]
    from ruamel.yaml import YAML

    objects = [json.dumps(each) for each in YAML(typ="safe", pure=True).load_all(text)]
    streamed = check(given="\n".join(objects))
    assert [one["rule"] for one in streamed.findings] == ["no-prestop"]


def test_a_service_in_another_file_belongs_to_the_workload_that_it_selects(tmp_path: Path) -> None:
    one_probe = DEPLOYMENT.format(name="web", web=HOOK, log=HOOK).replace("port: http", "port: 9090")
    (tmp_path / "b.yaml").write_text(one_probe)
    assert [one["rule"] for one in check(str(tmp_path)).findings] == []  # no target is known
    (tmp_path / "a.yaml").write_text(SERVICE.format(name="web"))
    assert [one["rule"] for one in check(str(tmp_path)).findings] == ["probe-on-another-port"]
    (tmp_path / "a.yaml").write_text(SERVICE.format(name="other"))
    assert [one["rule"] for one in check(str(tmp_path)).findings] == []


@pytest.mark.parametrize("where", ["above", "beside", "document"])
def test_a_rule_is_ignored_with_a_reason(where: str) -> None:
    comment = "# rollout-harness: ignore no-prestop its clients send again"
    text = application()
    if where == "document":
        text = f"{comment}\n{text}"
    elif where == "beside":
        text = text.replace("kind: Deployment\n", f"kind: Deployment  {comment}\n")
    else:
        text = text.replace("        - name: web\n", f"        {comment}\n        - name: web\n")
    text = application("other", web=HOOK) + "---\n" + text
    found = check(given=text)
    assert (found.code, [one["ignored"] for one in found.findings]) == (0, ["its clients send again"])


def test_an_ignore_holds_for_its_own_object_alone() -> None:
    ignored = "# rollout-harness: ignore no-prestop a reason\n" + application()
    found = check(given=application("first") + "---\n" + ignored + "---\n" + application("last"))
    assert [(one["workload"], bool(one["ignored"])) for one in found.findings] == [
        ("Deployment first", False),
        ("Deployment web", True),
        ("Deployment last", False),
    ]


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ("ignore no-prestop", "it gives no reason to ignore no-prestop"),
        ("ignore no-pre-stop because", "there is no rule 'no-pre-stop'; did you mean no-prestop?"),
        ("ignore", "it names no rule"),
    ],
)
def test_an_ignore_that_says_too_little_is_an_error_and_ignores_nothing(comment: str, says: str) -> None:
    found = check(given=f"# rollout-harness: {comment}\n{application()}")
    assert found.code == 1
    assert [(one["rule"], one["line"]) for one in found.findings] == [("bad-ignore", 1), ("no-prestop", 16)]
    assert found.findings[0]["found"] == says


def rules_of(*changes: tuple[str, str], text: str | None = None) -> dict[str, tuple[str, str]]:
    """What is found in an application without hazards after these changes: rule -> (severity, what was found)."""
    text = application(web=HOOK) if text is None else text
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return {one["rule"]: (one["severity"], one["found"]) for one in check(given=text).findings}


def hooked(hook: str) -> tuple[str, str]:
    return (
        "          lifecycle: {preStop: {sleep: {seconds: 5}}}\n---",
        f"          lifecycle: {{preStop: {hook}}}\n---",
    )


@pytest.mark.parametrize(
    ("hook", "rule", "found"),
    [
        ("{sleep: {seconds: 1}}", ("prestop-too-short", "warning"), "preStop 1 s"),
        ("{exec: {command: [sh, -c, sleep 4 && nginx -s quit]}}", ("prestop-too-short", "warning"), "preStop 4 s"),
        ("{exec: {command: [nginx, -s, quit]}}", ("prestop-stops-server", "error"), "web: nginx -s quit"),
        (
            "{exec: {command: [sh, -c, kill -s QUIT 1; sleep 9]}}",
            ("prestop-stops-server", "error"),
            "web: kill -s QUIT",
        ),
        ("{exec: {command: [/bin/drain, SECRET]}}", ("prestop-unreadable", "note"), "web: exec /bin/drain"),
        ("{exec: {command: [nginx, -s, reload]}}", ("prestop-unreadable", "note"), "web: exec nginx"),
        ("{httpGet: {port: http, path: /drain}}", ("prestop-unreadable", "note"), "web: httpGet"),
    ],
)
def test_a_hook_that_holds_nothing_or_too_little_is_found(hook: str, rule: tuple[str, str], found: str) -> None:
    said = {name: value for name, value in rules_of(hooked(hook)).items() if name not in ("prestop-exec",)}
    said.pop("sidecar-stops-first", None)
    assert said == {rule[0]: (rule[1], found)}


def test_a_port_that_no_container_names_is_the_services_fault_and_not_the_probes() -> None:
    found = check(given=application(web=HOOK).replace("targetPort: http", "targetPort: web"))
    (one,) = found.findings
    assert (one["rule"], one["line"], one["found"]) == (
        "target-port-unnamed",
        24,
        "targetPort: web in Service web, named are http",
    )
    udp = ("{name: http, containerPort: 8080}", "{name: http, containerPort: 8080, protocol: UDP}")
    assert "target-port-unnamed" in rules_of(udp)


SCALER = """---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {minReplicas: 2, maxReplicas: 9, scaleTargetRef: {kind: Deployment, name: web}}
"""
BUDGET = """---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
"""


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ((), {"replicas-beside-autoscaler", "budget-blocks-drains"}),
        ((("  replicas: 3\n", ""),), {"budget-blocks-drains"}),
        ((("  replicas: 3\n", ""), ("minAvailable: 2", "maxUnavailable: 1")), set()),
        ((("  replicas: 3\n", ""), ("minAvailable: 2", "maxUnavailable: 0%")), {"budget-blocks-drains"}),
        ((("  replicas: 3\n", ""), ("minAvailable: 2", "minAvailable: 50%")), set()),
        ((("  replicas: 3\n", ""), ("minAvailable: 2", "minAvailable: 51%")), {"budget-blocks-drains"}),
        (
            (("  replicas: 3\n", ""), ("minReplicas: 2, ", ""), ("minAvailable: 2", "maxUnavailable: 1")),
            {"lone-pod"},
        ),
        (
            (("minReplicas: 2, ", ""), ("minAvailable: 2", "maxUnavailable: 1")),
            {"replicas-beside-autoscaler", "autoscaler-leaves-gap"},
        ),
        (
            (
                ("  minReadySeconds", "  strategy: {rollingUpdate: {maxUnavailable: 2}}\n  minReadySeconds"),
                ("minAvailable: 2", "maxUnavailable: 1"),
            ),
            {"replicas-beside-autoscaler", "autoscaler-leaves-gap"},
        ),
        ((("kind: Deployment, name: web", "kind: Deployment, name: other"),), set()),
        ((("  replicas: 3\n", ""), ("{matchLabels: {app: web}}}\n", "{matchLabels: {app: db}}}\n")), set()),
    ],
)
def test_an_autoscaler_and_a_budget_are_told_by_what_they_do(
    changes: tuple[tuple[str, str], ...], rules: set[str]
) -> None:
    assert set(rules_of(*changes, text=application(web=HOOK) + SCALER + BUDGET)) == rules


def test_who_serves_nobody_is_passed_over() -> None:
    worker = DEPLOYMENT.format(name="worker", web="", log="").replace("readinessProbe", "livenessProbe")
    worker = worker.replace("ports: [{name: http, containerPort: 8080}]", "").replace("port: http", "port: 80")
    found = check(given=worker)
    assert (found.code, found.findings) == (0, [])
    assert "serves nobody" in found.passed_over[0]["why"]


def folder(tmp_path: Path, number: int) -> Path:
    """Applications, and among them all that a folder of manifests may hold besides."""
    others = {
        "crd.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.b}\n",
        "rollout.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\n",
        "broken.yaml": "a: [\n---\n" + application("behind-the-broken"),
        "template.yaml": "kind: Deployment\nreplicas: {{ .Values.replicas }}\n",
        "values.yaml": "replicas: 3\n",
        "patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 5}\n",
        "misshapen.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: 80}\n",
        "README.md": "# words\n",
        "old.yaml": application("old").replace("apps/v1", "extensions/v1beta1"),
    }
    for name, text in others.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "binary.yaml").write_bytes(b"\x80\x81\xff")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config.yaml").write_text("a: [")
    for each in range(number):
        below = tmp_path / f"app-{each % 7}"
        below.mkdir(exist_ok=True)
        (below / f"{each}.yaml").write_text(application(f"web-{each}"))
    return tmp_path


def test_what_cannot_be_checked_is_named_and_the_rest_is_checked(tmp_path: Path) -> None:
    found = check(str(folder(tmp_path, 3)))
    assert found.code == 1
    assert sorted(one["workload"] for one in found.findings) == [
        "Deployment behind-the-broken",
        *(f"Deployment web-{each}" for each in range(3)),
    ]
    passed = {Path(each["file"]).name: each["why"] for each in found.passed_over}
    says = {
        "crd.yaml": "CustomResourceDefinition a.b defines a kind",
        "rollout.yaml": "Rollout r is no Deployment",
        "broken.yaml": "it is not YAML as kubectl reads it",
        "template.yaml": "a template that is not rendered",
        "values.yaml": "has no apiVersion",
        "patch.yaml": "is not whole",
        "misshapen.yaml": "spec.ports is 80",
        "README.md": "it is no .yaml",
        "binary.yaml": "not text in UTF-8",
        "old.yaml": "there is no kind 'Deployment' in extensions/v1beta1: since Kubernetes 1.16 no cluster serves it",
    }
    assert passed.keys() == says.keys()
    for name, words in says.items():
        assert words in passed[name]
    refused = {Path(each["file"]).name for each in found.passed_over if each["refused"]}
    assert refused == {"broken.yaml", "misshapen.yaml", "binary.yaml", "old.yaml"}


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("broken.yaml", "---\na: [\n", 2),
        ("old.yaml", application("old", web=HOOK).replace("apps/v1", "extensions/v1beta1"), 2),
        ("nameless.yaml", "apiVersion: apps/v1\nkind: Deployment\nspec: {}\n", 2),
        ("template.yaml", "replicas: {{ .Values.replicas }}\n", 0),
        ("comment.yaml", "{{/*\nof the shop: {\n*/}}\nkind: Service\n", 0),
        ("quotes.yaml", 'kind: Service\nname: "a-{{ if eq .Name "" }}b{{ end }}"\n', 0),
        ("unclosed.yaml", "a: " + "{{ " * 30000, 2),
        ("values.yaml", "kind: fast\nreplicas: 3\n", 0),
        ("kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", 0),
        ("none.yaml", application("none").replace("replicas: 3", "replicas: 0"), 0),
    ],
)
def test_only_what_is_meant_as_a_manifest_and_is_none_is_bad_input(
    name: str, text: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    alone = check(str(tmp_path), form="text")
    assert alone.code == code
    assert "nothing was checked: no workload that serves was found" in alone.out.splitlines()[-1]
    (tmp_path / "good.yaml").write_text(application(web=HOOK))
    beside = check(str(tmp_path))
    assert (beside.code, beside.report["workloads"], len(beside.passed_over)) == (code, 1, 1)
    (tmp_path / "bad.yaml").write_text(application("bad"))
    assert check(str(tmp_path)).code == 1


def test_an_empty_file_or_folder_is_no_manifest_that_was_checked(tmp_path: Path) -> None:
    """A wrong path in CI is not green; what holds something, or is beside something, is passed over as ever."""
    (tmp_path / "none").mkdir()
    (tmp_path / "empty.yaml").write_text("\n")
    for nothing in (tmp_path / "none", tmp_path / "empty.yaml", tmp_path):
        found = check(str(nothing), form="text")
        assert (found.code, "nothing is in it" in found.error) == (2, True)
    (tmp_path / "comment.yaml").write_text("# to come\n")
    assert check(str(tmp_path)).code == 0


def test_a_line_stands_once_before_what_is_wrong_with_it() -> None:
    found = check(given="# a\n---\n# b\na:\n\t- b\n", form="text")
    assert found.out.splitlines()[0] == (
        "standard-input:5: error: cannot be checked: it is not YAML as kubectl reads it: found character that cannot "
        "start any token while scanning for the next token (a tab, where YAML wants spaces)"
    )


def test_five_hundred_files_are_held_against_each_other_without_looking_at_all_of_them(tmp_path: Path) -> None:
    looked: list[str] = []

    class Looked(Index):
        def _nearest(
            self, kind: str, workload: Found, wanted: Callable[[Found], bool], *, most: int = 3
        ) -> tuple[Found, ...]:
            def counted(found: Found) -> bool:
                looked.append(found.name)
                return wanted(found)

            return super()._nearest(kind, workload, counted, most=most)

    index, workloads = Looked(), []
    for source in sources([folder(tmp_path, 500)]):
        for each in located_objects(source.text) if isinstance(source, Source) else ():
            if isinstance(each, Located):
                index.add(found := Found(located=each, source=source))
                workloads += [found] * (each.manifest["kind"] == "Deployment")
    assert [len(index.services(each)) for each in workloads].count(1) == 502  # all but the patch
    assert len(looked) < 1100


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "give either files or --context"),
        (("nothing.yaml", "--context", "kind"), "give either files or --context"),
        (("nothing.yaml", "-n", "shop"), "it only goes with --context"),
        (("nothing.yaml", "--ci-timeout", "soon"), "reading --ci-timeout soon"),
        (("nothing.yaml", "--kubernetes", "new"), "that is not a Kubernetes version"),
    ],
)
def test_what_is_asked_for_wrongly_is_one_line(arguments: tuple[str, ...], says: str) -> None:
    found = check(*arguments)
    assert found.code == 2
    assert says in found.error


@pytest.mark.parametrize(
    ("name", "content"), [("missing.yaml", None), ("broken.yaml", b"a: ["), ("binary.yaml", b"\xff\xfe\x00")]
)
def test_a_file_that_was_named_and_cannot_be_read_is_bad_input(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    (good := tmp_path / "good.yaml").write_text(application(web=HOOK))
    found = check(str(file), str(good))
    assert (found.code, len(found.passed_over), found.report["workloads"]) == (2, 1, 1)
    good.write_text(application())
    assert check(str(file), str(good)).code == 1


def test_nothing_on_standard_input_is_bad_input() -> None:
    assert check(given="").code == 2


SEED = ROOT / "fixtures" / "manifests" / "seed"


def errors(name: str) -> list[tuple[str, int]]:
    found: Checked = check(str(SEED / f"{name}.yaml"))
    return [(one["rule"], one["line"]) for one in found.findings if one["severity"] == "error"]


def test_the_seeds_first_manifest_has_what_its_final_one_has_no_longer() -> None:
    assert [rule for rule, _ in errors("first")] == ["no-prestop"]
    first = check(str(SEED / "first.yaml")).findings
    assert "balancer-may-learn-late" in {one["rule"] for one in first}, "its targets are not said"
    assert errors("final") == []
    ((rule, line),) = errors("final-by-instance")
    assert rule == "gates-by-instance"
    text = (SEED / "final-by-instance.yaml").read_text().splitlines()
    assert text[line - 1] == "  annotations:"


def test_nothing_heavy_is_imported() -> None:
    import subprocess
    import sys

    heavy = ("kubernetes", "polars", "scipy", "numpy", "aiohttp", "altair", "testcontainers", "httpx")
    script = (
        "import sys\nfrom harness.cli import main\n"
        f"sys.argv = ['rollout-harness', 'check', {str(ROOT / 'fixtures' / 'manifests')!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 1\n"
        f"print([name for name in {heavy!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=200)
    assert done.stdout.splitlines()[-1] == "[]"


def test_of_several_services_the_one_that_is_wrong_is_named_and_its_line_told(tmp_path: Path) -> None:
    web, _, right = application(web=HOOK).partition("---\n")
    wrong = right.replace("name: web}", "name: other}").replace("targetPort: http", "targetPort: grpc")
    for name, text in (
        ("a", web),
        ("b", right.replace("targetPort: http", "targetPort: 8080")),
        ("c", f"# of c\n{wrong}"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "all.yaml").write_text(text)
    (one,) = check(str(tmp_path)).findings
    assert one["found"] == "targetPort: grpc in Service other, named are http"
    assert (one["rule"], Path(one["file"]).parent.name, one["line"]) == ("target-port-unnamed", "c", 5)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (
            "tsconfig.json",
            '{\n  // of the compiler\n  "kinds": "none",\n}\n',
            "neither apiVersion nor kind, and it is not YAML",
        ),
        ("ratings.json", "{rating: 5}\n{rating: 4}\n", "neither apiVersion nor kind"),
        (
            "dapr.yaml",
            'version: 1\napps:\n  - id: web\n    command: ["run"],\n    port: 80\n',
            "neither apiVersion nor kind",
        ),
        (
            "kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: a}\n",
            "it is a Kustomization",
        ),
    ],
)
def test_a_file_of_another_kind_is_passed_over_in_a_folder_and_refused_by_its_name(
    name: str, text: str, why: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    found = check(str(tmp_path))
    assert (found.code, [why in each["why"] for each in found.passed_over]) == (0, [True])
    assert check(str(tmp_path / name)).code == 2


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\n a: [\n",
        "- kind: Service\n- [\n",
        '{"kind": "Service",, }\n',
        "a: 1\nb: [\n---\nkind : Pod\n",
        "a: 1\na: [\n",
    ],
)
def test_what_is_not_yaml_and_is_meant_as_a_manifest_is_refused_in_a_folder_too(text: str, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(text)
    assert check(str(tmp_path)).code == 2


@pytest.mark.parametrize(
    ("spec", "annotations", "rule", "severity"),
    [
        ("", "", "balancer-may-learn-late", "warning"),
        ("loadBalancerClass: somebody.else/lb, ", "", "balancer-may-learn-late", "warning"),
        ("allocateLoadBalancerNodePorts: false, ", "", "balancer-learns-late", "error"),
        ("", "aws-load-balancer-nlb-target-type: ip", "balancer-learns-late", "error"),
        ("", "aws-load-balancer-type: nlb-ip", "balancer-learns-late", "error"),
        ("", "aws-load-balancer-type: nlb", "no-min-ready", "warning"),
    ],
)
def test_a_balancer_learns_late_for_sure_only_where_its_targets_are_known_to_be_pods(
    spec: str, annotations: str, rule: str, severity: str
) -> None:
    text = application(web=HOOK).replace("  minReadySeconds: 5\n", "")
    text = text.replace("spec: {selector", f"spec: {{type: LoadBalancer, {spec}selector")
    if annotations:
        noted = f"annotations: {{service.beta.kubernetes.io/{annotations}}}"
        text = text.replace("kind: Service\nmetadata: {name: web}", f"kind: Service\nmetadata: {{name: web, {noted}}}")
    found = {one["rule"]: one["severity"] for one in check(given=text).findings}
    rules = {"balancer-may-learn-late", "balancer-learns-late", "no-min-ready"}
    assert {name: said for name, said in found.items() if name in rules} == {rule: severity}


CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}}}
spec: {{accessModes: [{mode}], resources: {{requests: {{storage: 1Gi}}}}}}
"""


def test_a_claim_is_found_where_it_stands_and_no_second_pod_is_advised_beside_it(tmp_path: Path) -> None:
    volumes = ", ".join(f"{{name: {name}, persistentVolumeClaim: {{claimName: {name}}}}}" for name in "ab")
    text = application().replace("replicas: 3", "replicas: 1")
    text = text.replace("      containers:", f"      volumes: [{volumes}]\n      containers:")
    (tmp_path / "web.yaml").write_text(text + "---\n" + CLAIM.format(name="a", mode="ReadWriteMany"))
    (tmp_path / "b.yaml").write_text(CLAIM.format(name="b", mode="ReadWriteOncePod"))
    found = {one["rule"]: one for one in check(str(tmp_path)).findings}
    assert "maxSurge comes to 1, b: ReadWriteOncePod" in found["surge-on-one-claim"]["found"]
    alone = "what no second replica gives, for an old pod and a new one would share b:"
    assert found["lone-pod"]["mend"].startswith(alone)
