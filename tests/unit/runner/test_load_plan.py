"""What the worker is told to do, and that secret header values come from where they are kept."""

import base64
from pathlib import Path

import pytest
import trustme

from harness.cli.plan import plan_text
from harness.clusters.sandbox_balancer import balancer, balancer_facts
from harness.errors import ExperimentError
from harness.fixture_files import fixtures
from harness.model.cluster_settings import ClusterSettings
from harness.model.duration import duration
from harness.model.experiment import Experiment
from harness.model.run import ClusterFacts, ProxyFacts
from harness.redaction import door
from harness.runner.destination import Destination
from harness.runner.experiment_file import read_experiment
from harness.runner.quiet import quiet_s
from harness.runner.scenario import load_plan, scenarios

TEXT = """\
version: 1
name: demo
manifests: [web.yaml]
service: {name: web, port: 80}
request:
  {path: /shop, host: shop.example, headers: {A: plain, B: {env: TOKEN}, C: {file: token.txt}}, success: [204, 300-399]}
load: {new: {rate: 100}, kept: {rate: 50, connections: 7}, slow: {rate: 4, path: /slow, read_timeout: 9s}}
"""


def plan(experiment: Experiment, environment: dict[str, str]):
    return load_plan(
        experiment,
        to=Destination(addresses=("10.96.0.7:80",)),
        source_addresses=("10.200.0.2",),
        ports=((10240, 59239),),
        t0_monotonic_ns=5,
        own_clock=False,
        start_s=1.5,
        environment=environment,
    )


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    (tmp_path / "experiment.yaml").write_text(TEXT)
    (tmp_path / "token.txt").write_text("from a file\n")
    return read_experiment(tmp_path / "experiment.yaml")


@pytest.mark.parametrize(
    ("said", "header"), [("", "X-Pod"), (", pod_header: X-Backend", "X-Backend"), (", pod_header: null", "")]
)
def test_the_pods_name_is_looked_for_where_nothing_is_said(tmp_path: Path, said: str, header: str) -> None:
    (tmp_path / "experiment.yaml").write_text(TEXT.replace("read_timeout: 9s}}", f"read_timeout: 9s}}{said}}}"))
    (tmp_path / "token.txt").write_text("from a file\n")
    made = plan(read_experiment(tmp_path / "experiment.yaml"), {"TOKEN": "from the environment"})
    assert made.pod_header == header


def test_the_plan_says_what_the_experiment_says(experiment: Experiment) -> None:
    made = plan(experiment, {"TOKEN": "from the environment"})
    assert made.url == "http://10.96.0.7:80/shop"
    assert [(s.name, s.rate_per_s, s.connections, s.path) for s in made.streams] == [
        ("new", 100, 0, None),
        ("kept", 50, 7, None),
        ("slow", 4, 0, "/slow"),
    ]
    assert made.streams[2].read_timeout_s == 9
    assert made.success == ((204, 204), (300, 399))
    assert (made.host, made.start_s, made.t0_monotonic_ns) == ("shop.example", 1.5, 5)


def test_header_values_come_from_where_they_are_kept(experiment: Experiment) -> None:
    made = plan(experiment, {"TOKEN": "from the environment"})
    assert made.headers == (("A", "plain"), ("B", "from the environment"), ("C", "from a file"))


def test_a_header_value_that_is_not_there_is_named(experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="header B: the environment variable TOKEN is not set"):
        plan(experiment, {})
    (tmp_path / "token.txt").unlink()
    with pytest.raises(ExperimentError, match="header C: "):
        plan(experiment, {"TOKEN": ""})


def test_every_variant_becomes_a_scenario_with_its_mitigations() -> None:
    planned = scenarios(read_experiment(fixtures() / "experiments" / "demo.yaml"))
    assert [scenario.name for scenario in planned] == ["default", "prestop", "min-ready", "both"]
    both = planned[-1].application.target["spec"]
    assert both["minReadySeconds"] == 5
    assert "minReadySeconds" not in planned[0].application.target["spec"]
    assert [scenario.disruption.images[1] for scenario in planned] == [{"nginx": "nginx:1.28.0"}] * 4
    images = [pod["spec"]["containers"][0]["image"] for pod in pods_of(planned[0].all_manifests)]
    assert images == ["nginx:1.28.0", "nginx:1.29.1"]


def pods_of(manifests: tuple[dict, ...]) -> list[dict]:
    return [manifest for manifest in manifests if manifest["kind"] == "Pod"]


def test_what_a_mitigation_left_alone_is_in_the_plan_and_on_record(tmp_path: Path) -> None:
    manifest = (fixtures() / "manifests" / "nginx.yaml").read_text()
    container = "containers:\n        - name: nginx\n"
    assert container in manifest
    hook = "          lifecycle: {preStop: {exec: {command: [/wait-shutdown]}}}\n"
    (tmp_path / "web.yaml").write_text(manifest.replace(container, container + hook))
    described = (
        "{version: 1, name: a, manifests: [web.yaml], target: deployment/web, service: {name: web, port: http}, "
        "update: restart, load: {new: {rate: 1}}, variants: {as-it-is: {}, slow: {mitigations: [{prestop: 5s}]}}}"
    )
    (tmp_path / "a.yaml").write_text(described)
    experiment = read_experiment(tmp_path / "a.yaml")
    as_it_is, slow = planned = scenarios(experiment)
    (said,) = slow.provisos
    assert as_it_is.provisos == ()
    assert said.startswith("slow: the preStop hook of container nginx (exec /wait-shutdown) stays as it is")
    assert said in plan_text(experiment, planned, experiment.cluster).splitlines()
    assert slow.application.port == 80


@pytest.mark.parametrize(
    ("disruption", "kind", "about_s"),
    [
        # deployed in 6.8 s, warm after 3.1 s, control 5 s, what is done, quiet 5 s, and gone in 6.3 s
        ("{scale: {to: [5, 1], hold: 5s}}", "deployment", 26.2 + 6.8 + 5 + 6.3 + 5 + 6.8),
        ("{scale: {to: 1}}", "deployment", 26.2 + 6.3 + 6.8),
        ("{scale: {to: 1}}", "statefulset", 26.2 + 6.3 + 6.8),
        ("{scale: {to: 5}}", "statefulset", 26.2 + 3 * 6.8 + 3 * 6.3),
        ("delete-pod", "deployment", 26.2 + 6.8),
        ("delete-pod", "statefulset", 26.2 + 6.3 + 6.8),
        ("{watch: {for: 10m, until_rollouts: 7}}", "deployment", 26.2 + 600),
    ],
)
def test_what_is_planned_lasts_as_long_as_what_is_done(
    tmp_path: Path, disruption: str, kind: str, about_s: float
) -> None:
    text = (fixtures() / "manifests" / "nginx.yaml").read_text()
    if kind == "statefulset":
        text = text.replace("kind: Deployment", "kind: StatefulSet").replace("spec:", "spec:\n  serviceName: web", 1)
    (tmp_path / "web.yaml").write_text(text)
    (tmp_path / "a.yaml").write_text(
        f"{{version: 1, name: a, manifests: [web.yaml], target: {kind}/web, service: {{name: web, port: 80}}, "
        f"disruption: {disruption}, rollouts: 1, load: {{new: {{rate: 1}}}}, "
        "variants: {both: {mitigations: [{prestop: 5s}, {min-ready: 5s}]}}}"
    )
    experiment = read_experiment(tmp_path / "a.yaml")
    words = plan_text(experiment, scenarios(experiment), experiment.cluster)
    assert f"about {duration(round(about_s))} in all" in words


def test_the_quiet_time_that_is_planned_is_that_of_the_run() -> None:
    experiment = read_experiment(fixtures() / "experiments" / "nlb-ip.yaml")
    sandbox = experiment.cluster.sandbox
    assert sandbox is not None
    assert sandbox.balancing is not None
    behind = ClusterFacts(
        kind="sandbox",
        proxy=ProxyFacts(min_sync_period_s=sandbox.proxy.period_s),
        balancer=balancer_facts(balancer(sandbox.balancing)),
    )

    def plan(quiet_s: float | None, cluster: ClusterSettings, facts: ClusterFacts | None) -> str:
        asked = experiment.model_copy(update={"quiet_s": quiet_s})
        return plan_text(asked, scenarios(asked), cluster, facts)

    expected = quiet_s(None, behind, "loadbalancer")
    for cluster, facts, wanted_s in (
        (experiment.cluster, None, expected),
        (ClusterSettings.model_validate({"sandbox": {}}), None, 60.0),
        (ClusterSettings(context="staging"), behind, expected),
    ):
        assert plan(None, cluster, facts) == plan(wanted_s, cluster, facts)
    assert expected != 60.0


AUTHORITY = trustme.CA()
CLIENT = AUTHORITY.issue_cert("me@shop.example")
MIXED = """\
version: 1
name: mixed
target: deployment/shop
namespace: staging
request:
  host: shop.example
  headers: {Accept: text/html}
  tls: {ca: ca.pem, certificate: client.pem, key: key.pem}
requests:
  - {path: /look, weight: 3}
  - {method: POST, path: /buy, headers: {Authorization: {file: token.txt}}, body_file: order.bin, expect: [200, 204]}
allow_methods: [POST]
load: {new: {rate: 100}}
"""


@pytest.fixture
def mixed(tmp_path: Path) -> Experiment:
    files = {
        "experiment.yaml": MIXED,
        "token.txt": "s3cret-token",
        "ca.pem": AUTHORITY.cert_pem.bytes().decode(),
        "client.pem": CLIENT.cert_chain_pems[0].bytes().decode(),
        "key.pem": CLIENT.private_key_pem.bytes().decode(),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "order.bin").write_bytes(b"\0\xff")
    return read_experiment(tmp_path / "experiment.yaml")


def test_a_mix_has_its_bodies_headers_and_certificates_from_where_they_are_kept(mixed: Experiment) -> None:
    made = plan(mixed, {})
    assert made.url == "https://10.96.0.7:80/"
    certificate, key = (blob.bytes().decode() for blob in (CLIENT.cert_chain_pems[0], CLIENT.private_key_pem))
    assert (made.ca_pem, made.insecure) == (AUTHORITY.cert_pem.bytes().decode(), False)
    assert made.client_pem == f"{certificate}\n{key}"
    look, buy = made.messages
    assert (look.method, look.path, look.weight, look.success) == ("GET", "/look", 3, ((200, 299),))
    assert (buy.method, buy.headers, buy.success) == (
        "POST",
        (("Authorization", "s3cret-token"),),
        ((200, 200), (204, 204)),
    )
    assert base64.b64decode(buy.body) == b"\0\xff"
    assert door().text("it said s3cret-token").startswith("it said <redacted")


@pytest.mark.parametrize("gone", ["order.bin", "client.pem", "token.txt"])
def test_a_file_that_is_not_there_is_known_before_anything_runs(mixed: Experiment, tmp_path: Path, gone: str) -> None:
    (tmp_path / gone).unlink()
    with pytest.raises(ExperimentError, match=gone):
        plan(mixed, {})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("allow_methods: [POST]\n", ""), "POST may change what the application keeps: allow_methods: \\[POST\\]"),
        (("  host: shop.example", "  path: /x"), "request.path: each of `requests` says that itself"),
        (("{rate: 100}", "{rate: 100, path: /x}"), "load.new.path: the paths are those of `requests`"),
        (("expect: [200, 204]", "expect: [99]"), "expect: '99' is not a range inside 100-599"),
        (("certificate: client.pem, ", ""), "key: it is given without a certificate"),
        (("target: deployment/shop\n", ""), "without manifests the target is there already: target must say which"),
    ],
)
def test_a_mix_that_is_not_one_is_refused(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert change[0] in MIXED
    (tmp_path / "experiment.yaml").write_text(MIXED.replace(*change))
    with pytest.raises(ExperimentError, match=said):
        read_experiment(tmp_path / "experiment.yaml")


def test_an_application_of_ones_own_may_be_written_to() -> None:
    own = {"version": 1, "name": "x", "manifests": ["m.yaml"], "service": {"name": "x", "port": 80}}
    Experiment.model_validate({**own, "request": {"method": "POST"}, "load": {"new": {"rate": 1}}})
