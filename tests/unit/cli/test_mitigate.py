"""`mitigate` prints the manifests with what was asked for, and says on standard error what it left as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from program import called

from harness.check.checking import Known
from harness.check.checking import check as checked
from harness.check.sources import Source
from harness.cli.mitigated_text import change_text
from harness.clusters.api_fields import unknown_fields
from harness.clusters.api_rules import refusals
from harness.model.experiment import Mitigation
from harness.model.mitigations import PURPOSES
from harness.spec.hazard import HazardId, Severity
from harness.spec.hazards import row
from scripts.rules.cases import CASES, App, sleep
from scripts.rules.cases import run as run_
from scripts.rules.page import manifests
from tests.unit.check.command import check

WORKLOAD = """apiVersion: {version}
kind: {kind}
metadata: {{name: {name}}}
spec:
  minReadySeconds: 10
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
        - name: web
          image: web:1
          lifecycle: {{preStop: {{exec: {{command: [{command}]}}}}}}
"""


def workload(kind: str, name: str, *command: str, version: str = "apps/v1") -> str:
    return WORKLOAD.format(kind=kind, name=name, version=version, command=", ".join(f'"{word}"' for word in command))


def mitigate(*arguments: str, given: str = "") -> tuple[int, str, str]:
    said = called("mitigate", *arguments, given_text=given)
    return said.code, said.out, said.err


def test_hooks_go_on_doing_what_they_do_and_what_was_left_alone_is_said(tmp_path: Path) -> None:
    text = "---\n".join(
        [
            "# what is no workload stays\napiVersion: v1\nkind: Service\nmetadata: {name:  front}\n"
            "spec: {ports: [{port: 80}]}\n",
            workload("StatefulSet", "cassandra", "/bin/sh", "-c", "nodetool drain"),
            workload("Deployment", "ingress", "/wait-shutdown"),
            workload("DaemonSet", "logs", "sleep", "1"),
            workload("Rollout", "shop", "sleep", "1", version="argoproj.io/v1alpha1"),
        ]
    )
    file = tmp_path / "all.yaml"
    file.write_text(text)
    code, out, err = mitigate(str(file), "--prestop", "5s", "--min-ready", "5s")
    hook = '"nodetool drain"]}}}\n'
    expected = text.replace(hook, '"sleep 5; nodetool drain"]}}}\n      terminationGracePeriodSeconds: 35\n')
    assert (code, out) == (0, expected)
    assert err.splitlines() == [
        "StatefulSet cassandra: its minReadySeconds stays at 10, which is more than 5",
        "Deployment ingress: the preStop hook of container web (exec /wait-shutdown) stays as it is, for no shell is "
        "known in its image that could sleep before it: let it sleep 5 s first",
        "Deployment ingress: its minReadySeconds stays at 10, which is more than 5",
        "left unchanged, because only Deployments and StatefulSets are changed: DaemonSet logs, Rollout shop",
    ]


def test_twice_is_once_and_standard_input_is_read() -> None:
    given = workload("Deployment", "web", "/bin/sh", "-c", "drain")
    code, once, _ = mitigate("-", "--prestop", "5s", "--grace", "40s", given=given)
    assert (code, "sleep 5; drain" in once) == (0, True)
    assert mitigate("-", "--prestop", "5s", "--grace", "40s", given=once)[:2] == (0, once)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "nothing was changed: it contains no workload"),
        (workload("DaemonSet", "a", "true"), "changed: DaemonSet a"),
    ],
)
def test_a_file_without_a_workload_is_said_to_have_none(given: str, says: str) -> None:
    code, out, err = mitigate("-", "--prestop", "5s", given=given)
    assert (code, out) == (0, given)
    assert says in err


@pytest.mark.parametrize("given", ["a: [", "kind: Deployment", "just words"])
def test_what_is_no_manifest_is_one_clear_line(given: str) -> None:
    code, out, err = mitigate("-", "--prestop", "5s", given=given)
    assert (code, out) == (2, "")
    assert "reading standard-input:" in err
    assert "Traceback" not in err


def changed(text: str, *arguments: str) -> tuple[str, list[str]]:
    """What `mitigate` prints, in this process, and the lines on standard error."""
    from tests.unit.check.command import command

    done = command("mitigate", "-", *arguments, given=text)
    assert done.code == 0, done.error
    return done.out, done.error.splitlines()


# What no change of a workload's manifest may cure by itself.
REMAIN = {
    HazardId.LONE_STATEFUL_POD,  # another replica may be one too many
    HazardId.PROBE_PORT_UNNAMED,  # which port it means is not known
    HazardId.TARGET_PORT_UNNAMED,  # which port serves is not known
    HazardId.GATES_BY_INSTANCE,  # of the balancer
    HazardId.GATES_WITHOUT_LABEL,  # of the namespace
    HazardId.PRESTOP_SLEEP_TOO_NEW,  # of a cluster that was not named
    HazardId.ROOT_BY_NUMBER,  # as whom it can run is not known
    HazardId.PUBLISHES_NOT_READY,  # of the Service: its pods may have to find each other before they are Ready
}


@pytest.mark.parametrize("purpose", ["internal", "external", "unknown"])
@pytest.mark.parametrize("rule", [rule for rule, case in CASES.items() if row(rule).severity is Severity.ERROR])
def test_what_is_printed_passes_check_or_is_said_to_remain(rule: HazardId, purpose: str) -> None:
    text = manifests(CASES[rule].fails)
    out, said = changed(text, "--for", purpose)
    errors = {one["rule"] for one in check(given=out).findings if one["severity"] == "error"}
    assert errors == ({rule} & REMAIN if not CASES[rule].told else set())
    assert {line.split("(")[1].partition(")")[0] for line in said if line.startswith("still an error")} == errors
    assert changed(out, "--for", purpose)[0] == out


@given(
    replicas=st.integers(1, 4),
    kind=st.sampled_from(["Deployment", "StatefulSet"]),
    surge=st.sampled_from([0, 1, "25%", "100%"]),
    unavailable=st.sampled_from([0, 1, "34%", "100%"]),
    hook=st.sampled_from([None, sleep(3), sleep(40), run_("sh", "-c", "drain"), run_("/drain"), run_("sleep", "7")]),
    probe=st.sampled_from(
        [None, {"tcpSocket": {"port": 9}}, {"httpGet": {"port": "http"}}, {"exec": {"command": ["a"]}}]
    ),
    image=st.sampled_from(["app:1", "nginx:1", "gcr.io/distroless/static", "tomcat"]),
    grace=st.sampled_from([None, 1, 7, 45]),
    deadline=st.sampled_from([None, 1, 30]),
    purpose=st.sampled_from(["internal", "external"]),
)
@settings(max_examples=25, deadline=None, phases=[Phase.generate])
def test_of_any_application_nothing_is_left_that_a_manifest_cures(
    replicas: int, kind: str, surge: object, unavailable: object, hook: object, probe: object, image: str,
    grace: int | None, deadline: int | None, purpose: str,
) -> None:  # fmt: skip
    assume(kind != "Deployment" or surge != 0 or unavailable != 0)  # which is refused
    rolling = {"strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}
    app = App(
        kind=kind,
        spec={"replicas": replicas, "progressDeadlineSeconds": deadline, **(rolling if kind == "Deployment" else {})},
        pod={"terminationGracePeriodSeconds": grace},
        container={"image": image, "lifecycle": hook, "readinessProbe": probe},
    )
    wanted = [Mitigation.model_validate({name: f"{seconds}s"}) for name, seconds in PURPOSES[purpose].items()]
    done = change_text(manifests(app), wanted, tried="", mend=True)
    report = checked([Source(file="", text=done.text, given=True)], Known(), rules=refusals, unknown=unknown_fields)
    errors = {one.rule for one in report.told if one.severity is Severity.ERROR}
    expected = {
        HazardId.LONE_STATEFUL_POD: kind == "StatefulSet" and replicas == 1,
        HazardId.PRESTOP_NEEDS_SHELL: hook == run_("sh", "-c", "drain") and "distroless" in image,
    }
    assert errors == {rule for rule, remains in expected.items() if remains}
    assert all(any(f"({rule})" in line for line in done.said) for rule in errors)


SHARED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, labels: {app: db}}
spec:
  # one at a time
  strategy: {type: Recreate}
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: "db:1", ports: [{containerPort: 5432}]}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"""


def test_two_pods_are_not_made_to_share_a_volume_and_comments_stay() -> None:
    out, said = changed(SHARED, "--for", "internal")
    assert "  # one at a time\n  strategy: {type: Recreate}\n" in out
    assert any("strategy stays, for an old pod and a new one would share data" in line for line in said)
    (remains,) = [line for line in said if line.startswith("still an error (recreate)")]
    assert "Needed: what no setting of its rollout gives, for an old pod and a new one would share data" in remains


@pytest.mark.parametrize("mode", [None, "ReadWriteOnce", "ReadWriteOncePod"])
def test_two_pods_are_not_made_to_share_a_volume_by_the_update_of_a_lone_one(mode: str | None) -> None:
    wanted = "strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}"
    claim = f"""---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec: {{accessModes: [{mode}], resources: {{requests: {{storage: 1Gi}}}}}}
"""
    text = SHARED.replace("strategy: {type: Recreate}", wanted) + (claim if mode else "")
    out, said = changed(text, "--for", "internal")
    assert wanted in out
    assert any("maxUnavailable stays, for an old pod and a new one would share data" in line for line in said)
    (remains,) = [line for line in said if line.startswith("still an error")]
    assert "(max-unavailable-all)" in remains
    assert "maxUnavailable: 0" not in remains
    if mode:
        shared, _ = changed(text.replace(mode, "ReadWriteMany"), "--for", "internal")
        assert "maxUnavailable: 0" in shared


def test_a_recreate_that_gives_way_and_what_a_text_loses_are_said() -> None:
    alone = manifests(App(spec={"strategy": {"type": "Recreate"}}))
    out, said = changed(alone, "--for", "internal")
    assert "Recreate" not in out
    assert [line for line in said if "strategy: Recreate became RollingUpdate: in a rollout" in line] == said
    hook = "          lifecycle:\n            preStop:\n              sleep:\n                seconds: 5\n"
    flow = manifests(App(container={"args": ["a"]})).replace(hook, "")
    flow = flow.replace("args:\n            - a\n", "args: [\n            # of a\n            a]\n")
    out, said = changed(flow, "--for", "internal")
    assert ("# of a" in out) != any("mind: 1 comment is lost" in line for line in said)


def test_a_hook_that_no_kubelet_runs_gives_way_to_one_that_sleeps() -> None:
    never = App(container={"lifecycle": {"preStop": {"tcpSocket": {"port": "http"}}}})
    out, said = changed(manifests(never), "--for", "internal")
    assert "preStop:\n              sleep:\n                seconds: 5\n" in out
    assert ("preStop:\n              tcpSocket" in out, said) == (False, [])
    patch, _ = changed(manifests(never), "--for", "internal", "--output", "kustomize")
    assert "preStop:\n              tcpSocket:\n              sleep:\n" in patch


def test_a_probe_that_asks_more_than_a_connection_is_kept_and_it_is_said() -> None:
    text = manifests(App(container={"readinessProbe": {"httpGet": {"path": "/ready", "port": 9090}}}))
    out, said = changed(text, "--for", "internal")
    assert "path: /ready" in out
    assert [line for line in said if "stays as it is; a startup probe beside it" in line] == said
    undeclared = text.replace("containerPort: 8080", "containerPort: 9090").replace(
        "targetPort: http", "targetPort: 81"
    )
    out, said = changed(undeclared, "--for", "internal")
    assert "tcpSocket" not in out
    assert "no container declares port 81, and who serves there is not known" in said[0]
    assert said[1].startswith("still an error (probe-on-another-port)")


def test_a_diff_and_a_patch_of_kustomize_make_what_is_printed() -> None:
    from ruamel.yaml import YAML

    from harness.manifests.merge import patched

    text = "# kept\n" + manifests(CASES[HazardId.PROBE_ON_ANOTHER_PORT].fails)
    out, _ = changed(text, "--for", "unknown")
    diff, _ = changed(text, "--for", "unknown", "--output", "diff")
    added = [line[1:] for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
    gone = [line[1:] for line in diff.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert (set(added) - set(out.splitlines()), set(gone) - set(text.splitlines())) == (set(), set())
    yaml = YAML(typ="safe", pure=True)
    (patch,) = yaml.load_all(changed(text, "--for", "unknown", "--output", "kustomize")[0])
    before, after = (next(iter(yaml.load_all(each))) for each in (text, out))
    assert patched(before, patch) == after
    assert patch["spec"].keys() == {"minReadySeconds", "template"}


def test_the_settings_of_a_run_are_those_that_it_recommends(tmp_path: Path) -> None:
    sizing = {"prestop_s": {"recommended": 7}, "min_ready_s": {"recommended": 6}, "grace_s": {"recommended": 45}}
    more = {"prestop_s": {"recommended": 9}, "grace_s": {"recommended": 0}}
    (tmp_path / "result.json").write_text(json.dumps({"scenarios": [{"sizing": sizing}, {"sizing": more}, {}]}))
    out, _ = changed(manifests(CASES[HazardId.NO_PRESTOP].fails), "--from", str(tmp_path), "--min-ready", "8s")
    for expected in ("seconds: 9", "minReadySeconds: 8", "terminationGracePeriodSeconds: 45"):
        assert expected in out


def test_a_setting_that_would_have_saved_nothing_is_not_among_them(tmp_path: Path) -> None:
    sizing = {"prestop_s": {"recommended": 7, "advised": True}, "min_ready_s": {"recommended": 6, "advised": False}}
    (tmp_path / "result.json").write_text(json.dumps({"sizing": sizing}))
    out, _ = changed(manifests(CASES[HazardId.NO_PRESTOP].fails), "--from", str(tmp_path))
    assert "seconds: 7" in out
    assert "minReadySeconds: 6" not in out


BESIDE = """kind: Deployment
apiVersion: apps/v1
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: app
          image: app:1
        - name: proxy
          image: proxy:1
          ports: [{containerPort: 8080}]
          readinessProbe: {tcpSocket: {port: 8080}}
          lifecycle: {preStop: {sleep: {seconds: 5}}}
---
kind: Service
apiVersion: v1
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""


def test_a_hook_that_a_run_recommends_beside_the_one_that_serves_is_made_and_it_is_said_which_stopped_first(
    tmp_path: Path,
) -> None:
    """No second of the run's is advised, and yet a change of the manifest would have saved what it lost."""
    unadvised = {"prestop_s": {"recommended": 5, "advised": False}}
    for mends in (["sidecar-stops-first", "of a later version"], []):
        result = {"scenarios": [{"sizing": {**unadvised, "mends": mends}}]}
        (tmp_path / ("some" if mends else "none")).mkdir()
        (tmp_path / ("some" if mends else "none") / "result.json").write_text(json.dumps(result))
    code, out, said = mitigate("-", "--from", str(tmp_path / "some"), given=BESIDE)
    assert (code, out.count("seconds: 5")) == (0, 2)
    told = " ".join(said.split())
    assert "container app stops first, while proxy, which the Service sends to, serves on: each container" in told
    assert "In place of that, app could be a native sidecar" in told
    assert mitigate("-", "--from", str(tmp_path / "none"), given=BESIDE)[0] == 2
    code, out, _ = mitigate("-", "--for", "internal", "--prestop", "1s", given=BESIDE)
    assert out.count("seconds: 5") == 1, "what only a run can tell is not mended without one"


def test_a_container_that_cannot_be_made_to_sleep_is_said_and_what_else_would_do(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(json.dumps({"sizing": {"mends": ["sidecar-stops-first"]}}))
    stubborn = BESIDE.replace(
        "image: app:1", 'image: app:1\n          lifecycle: {preStop: {exec: {command: ["/bye"]}}}'
    )
    code, out, said = mitigate("-", "--from", str(tmp_path), given=stubborn)
    assert (code, out) == (0, stubborn)
    told = " ".join(said.split())
    assert "serves on: app could be a native sidecar" in told
    assert "let it sleep 5 s first" in told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--for", "internal", "--from", "x"), "both are given"),
        (("--from", "nowhere"), "Judge it first"),
        (("--from", "damaged"), "reading damaged/result.json: it is not JSON (line 1: "),
        (("--from", "empty"), "it recommends nothing"),
        (("--from", "of-lists"), "its result.json is damaged. Judge it again: rollout-harness report of-lists"),
        (("--from", "of-texts"), "its result.json is damaged"),
        (("--from", "of-a-number"), "its result.json is damaged"),
        (("--from", "application"), "no preStop, minReadySeconds or grace period would have saved what it lost"),
    ],
)
def test_a_run_that_tells_nothing_is_said_so(
    arguments: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.unit.check.command import command

    monkeypatch.chdir(tmp_path)
    unadvised = json.dumps({"sizing": {"prestop_s": {"recommended": 5, "advised": False}}})
    files = {
        "damaged": "{",
        "empty": '{"scenarios": []}',
        "application": unadvised,
        "of-lists": '{"scenarios": [{"sizing": {"prestop_s": [1]}}]}',
        "of-a-number": '{"scenarios": [{"sizing": {"mends": 1}}]}',
        "of-texts": '{"scenarios": [{"sizing": {"prestop_s": "7s"}}]}',
    }
    for name, text in files.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(text)
    done = command("mitigate", "-", *arguments, given=SHARED)
    assert (done.code, done.out) == (2, "")
    assert says in done.error


ROOT = Path(__file__).parents[3]
MANIFESTS = [
    *sorted((ROOT / "fixtures" / "manifests").rglob("*.yaml")),
    *sorted((ROOT.parent / "shared" / "cases").glob("*/m.yaml")),
]


@pytest.mark.parametrize("purpose", list(PURPOSES))
def test_of_manifests_that_were_run_only_lines_of_the_change_change_and_what_is_left_is_said(purpose: str) -> None:
    wanted = [Mitigation.model_validate({name: f"{seconds}s"}) for name, seconds in PURPOSES[purpose].items()]
    workloads = 0
    for file in MANIFESTS[list(PURPOSES).index(purpose) :: len(PURPOSES)]:
        done = change_text(file.read_text(), wanted, tried="", mend=True)
        report = checked([Source(file="", text=done.text, given=True)], Known(), rules=refusals, unknown=unknown_fields)
        errors = {one.rule for one in report.told if one.severity is Severity.ERROR}
        said = {line.split("(")[1].partition(")")[0] for line in done.said if line.startswith("still an error")}
        assert errors == said, file
        lines = [line for line in done.diff("a").splitlines() if not line.startswith(("---", "+++"))]
        gone, new = ([line[1:].strip() for line in lines if line.startswith(sign)] for sign in "-+")
        assert [line for line in gone if line in new] == [], file  # nothing is written otherwise than it was
        assert change_text(done.text, wanted, tried="", mend=True).text == done.text, file
        workloads += len(done.workloads)
    assert workloads > 5
