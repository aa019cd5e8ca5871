"""What is wrong with manifests is said before anything is touched."""

from typing import Any

import pytest

from harness.errors import ManifestError
from harness.manifests.application import find_application
from harness.manifests.patch import image_patch, image_sequence, in_namespace


def deployment(**changes: Any) -> dict[str, Any]:
    spec = {
        "selector": {"matchLabels": changes.pop("selector", {"app": "web"})},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {"name": "nginx", "image": "nginx:1.28.0", "ports": [{"name": "http", "containerPort": 80}]}
                ]
            },
        },
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec | changes}


def containing(*containers: dict[str, Any], **pod: Any) -> dict[str, Any]:
    """The Deployment with these containers."""
    found = deployment()
    found["spec"]["template"]["spec"] = {"containers": list(containers), **pod}
    return found


def service(selector: Any = None, ports: Any = None) -> dict[str, Any]:
    spec = {"selector": selector or {"app": "web"}, "ports": ports or [{"port": 80, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


def in_space(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def without_selector(**spec: Any) -> dict[str, Any]:
    return {**service(), "spec": {"ports": [{"port": 80}], **spec}}


def find(*manifests: dict[str, Any], target: str = "deployment/web", port: int | str = 80) -> Any:
    return find_application(manifests, target=target, service="web", port=port)


def test_an_application_knows_its_parts() -> None:
    application = find(deployment(), service())
    assert (application.kind, application.name, application.service_name) == ("Deployment", "web", "web")
    assert application.containers == {"nginx": "nginx:1.28.0"}
    assert application.selector == "app=web"


@pytest.mark.parametrize(
    ("manifests", "ask", "says"),
    [
        ([service()], {}, "looking for Deployment web: the manifests hold only Service web"),
        ([deployment()], {}, "looking for Service web: the manifests hold only Deployment web"),
        ([deployment(), service()], {"target": "statefulset/web"}, "looking for StatefulSet web"),
        (
            [in_space(deployment(), "dev"), in_space(deployment(), "prod"), service()],
            {},
            "the manifests have 2 of them, in the namespaces dev, prod. A run has one namespace",
        ),
        (
            [in_space(deployment(), "shop"), in_space(service(), "edge")],
            {},
            "the Service is in namespace edge, the pods are in shop: it would have no endpoint",
        ),
        ([deployment(), without_selector(type="ExternalName", externalName="a.example")], {}, "of type ExternalName"),
        ([deployment(), without_selector()], {}, "the Service has no selector"),
        ([deployment(selector={"app": "shop"}), service()], {}, "does not match its pod template's labels"),
        ([deployment(), service(selector={"app": "shop"})], {}, "it would have no endpoint"),
        ([deployment(), service()], {"port": 8080}, "looking for port 8080 of Service web: it has 80"),
        (
            [deployment(), service(ports=[{"port": 80, "targetPort": "grpc"}])],
            {},
            "no container has a TCP port of that name",
        ),
        (
            [deployment(template={}), service()],
            {},
            "it lacks spec.template.metadata.labels, spec.template.spec.containers",
        ),
        ([deployment(selector=None), service()], {}, "does not match its pod template's labels"),
        ([containing({"name": "web"}), service()], {}, "container 1 of its pod template lacks a name or an image"),
    ],
)
def test_what_does_not_belong_together_is_named(manifests: Any, ask: dict[str, Any], says: str) -> None:
    with pytest.raises(ManifestError, match=r".") as error:
        find(*manifests, **ask)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_images_go_in_turn() -> None:
    application = find(deployment(), service())
    turns = {"nginx": ("nginx:1.29.1", "nginx:1.28.0")}
    assert [image_sequence(application, turns, n)["nginx"] for n in range(3)] == [
        "nginx:1.29.1",
        "nginx:1.28.0",
        "nginx:1.29.1",
    ]
    assert image_patch({"nginx": "nginx:1.29.1"}) == {
        "spec": {"template": {"spec": {"containers": [{"name": "nginx", "image": "nginx:1.29.1"}]}}}
    }


def test_a_native_sidecar_has_an_image_of_its_own_and_an_init_container_none_that_rolls() -> None:
    inits = [{"name": "mesh", "image": "mesh:1", "restartPolicy": "Always"}, {"name": "migrate", "image": "app:1"}]
    main = {"name": "nginx", "image": "nginx:1.28.0", "ports": [{"name": "http", "containerPort": 80}]}
    pods = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [main], "initContainers": inits}}
    application = find(deployment(template=pods), service())
    assert application.sidecars == {"mesh": "mesh:1"}
    images = image_sequence(application, {"mesh": ("mesh:2",), "nginx": ("nginx:1.29.1",)}, 0)
    assert image_patch(images, application.sidecars) == {
        "spec": {
            "template": {
                "spec": {
                    "initContainers": [{"name": "mesh", "image": "mesh:2"}],
                    "containers": [{"name": "nginx", "image": "nginx:1.29.1"}],
                }
            }
        }
    }
    with pytest.raises(ManifestError, match="the application has nginx, mesh"):
        image_sequence(application, {"migrate": ("app:2",)}, 0)


@pytest.mark.parametrize(
    ("turns", "rollout", "says"),
    [
        ({"nginx": ("nginx:1.28.0",)}, 0, "Kubernetes would roll nothing"),
        ({"nginx": ("nginx:1.29.1",)}, 1, "Kubernetes would roll nothing"),
        ({"sidecar": ("nginx:1.29.1",)}, 0, "the application has nginx"),
    ],
)
def test_an_update_that_would_change_nothing_is_refused(turns: Any, rollout: int, says: str) -> None:
    with pytest.raises(ManifestError, match=says):
        image_sequence(find(deployment(), service()), turns, rollout)


def test_a_namespace_is_given_to_objects_that_live_in_one() -> None:
    cluster_role = {"kind": "ClusterRole", "metadata": {"name": "a"}}
    assert in_namespace(deployment(), "here")["metadata"]["namespace"] == "here"
    assert in_namespace(cluster_role, "here") == cluster_role


def test_rights_go_with_the_service_account_that_is_among_the_manifests() -> None:
    def account(name: str, namespace: str | None) -> dict[str, Any]:
        return {"kind": "ServiceAccount", "name": name, **({"namespace": namespace} if namespace else {})}

    accounts = [
        {"kind": "ServiceAccount", "metadata": {"name": "own"}},
        {"kind": "ServiceAccount", "metadata": {"name": "ours", "namespace": "edge"}},
    ]
    subjects = [account("own", "default"), account("ours", "edge"), account("ours", "other"), account("own", "kube")]
    group = {"kind": "Group", "name": "own", "namespace": "default"}
    binding = {"kind": "ClusterRoleBinding", "metadata": {"name": "b"}, "subjects": [*subjects, group]}
    moved = in_namespace(binding, "here", accounts)
    assert [each["namespace"] for each in moved["subjects"]] == ["here", "here", "other", "kube", "default"]
    assert "namespace" not in moved["metadata"]
    assert binding["subjects"][0]["namespace"] == "default"
    assert in_namespace(binding, "here")["subjects"] == binding["subjects"]


def test_what_a_route_names_of_another_namespace_goes_with_it_where_it_is_among_the_manifests() -> None:
    def named(kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        return {"kind": kind, "metadata": {"name": name, **({"namespace": namespace} if namespace else {})}}

    api = {"apiVersion": "gateway.networking.k8s.io/v1"}
    abroad = {"name": "web", "namespace": "till"}
    backends = [{"name": "web", "namespace": "shop"}, abroad, {"name": "web"}]
    parents = [{"name": "edge", "namespace": "infra"}, {"name": "other", "namespace": "infra"}]
    route = {
        **api,
        **named("HTTPRoute", "web", "shop"),
        "spec": {"parentRefs": parents, "rules": [{"backendRefs": backends}]},
    }
    tls = {"certificateRefs": [{"name": "web-tls", "namespace": "infra"}]}
    gateway = {**api, **named("Gateway", "edge", "infra"), "spec": {"listeners": [{"tls": tls}, {}]}}
    among = (route, gateway, named("Service", "web", "shop"), named("Secret", "web-tls", "infra"))
    spec = in_namespace(route, "here", among)["spec"]
    assert [each.get("namespace") for each in spec["parentRefs"]] == ["here", "infra"]
    assert [each.get("namespace") for each in spec["rules"][0]["backendRefs"]] == ["here", "till", None]
    (listener, _) = in_namespace(gateway, "here", among)["spec"]["listeners"]
    assert listener["tls"]["certificateRefs"] == [{"name": "web-tls", "namespace": "here"}]
    assert abroad == {"name": "web", "namespace": "till"}


def port(name: str | None, number: int, protocol: str = "TCP") -> dict[str, Any]:
    return {"name": name, "containerPort": number, "protocol": protocol}


def test_a_port_may_have_its_name_on_a_native_sidecar_and_on_no_other_init_container() -> None:
    main = {"name": "web", "image": "web:1"}
    proxy = {"name": "proxy", "image": "proxy:1", "ports": [port("http", 8080)]}
    assert find(containing(main, initContainers=[proxy | {"restartPolicy": "Always"}]), service()).port == 80
    with pytest.raises(ManifestError, match="no container has a TCP port of that name"):
        find(containing(main, initContainers=[proxy]), service())


def test_a_port_of_a_service_is_the_one_for_tcp_and_may_be_named() -> None:
    both = [
        {"name": "quic", "port": 443, "protocol": "UDP", "targetPort": "quic"},
        {"name": "https", "port": 443, "targetPort": "http"},
        {"name": "metrics", "port": 9000},
    ]
    assert find(deployment(), service(ports=both), port=443).port == 443
    assert find(deployment(), service(ports=both), port="metrics").port == 9000
    with pytest.raises(ManifestError, match=r"it has 443 \(quic, UDP\), 443 \(https\), 9000 \(metrics\)"):
        find(deployment(), service(ports=both), port="quic")


def test_a_name_of_a_port_for_udp_is_none_for_tcp() -> None:
    named = containing({"name": "web", "image": "web:1", "ports": [port("http", 443, "UDP")]})
    with pytest.raises(ManifestError, match="no container has a TCP port of that name"):
        find(named, service())


def test_a_selector_may_be_made_of_expressions_alone() -> None:
    written = deployment()
    written["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "shop"]}]}
    assert find(written, service()).selector == "app in (web,shop)"
    written["spec"]["selector"]["matchExpressions"][0]["operator"] = "NotIn"
    with pytest.raises(ManifestError, match="does not match its pod template's labels"):
        find(written, service())


def test_of_several_services_the_named_one_is_in_front() -> None:
    headless = service() | {"metadata": {"name": "web-headless"}}
    assert find(headless, deployment(), service()).service_name == "web"


def test_init_containers_that_are_null_are_none() -> None:
    written = containing({"name": "web", "image": "web:1", "ports": [port("http", 80)]}, initContainers=None)
    assert find(written, service()).images == ("web:1",)
