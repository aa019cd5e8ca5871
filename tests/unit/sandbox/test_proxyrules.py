"""The rules of kube-proxy, from Services and EndpointSlices as the API has them."""

from __future__ import annotations

from typing import Any

from harness.sandbox.proxyrules import ServicePort, affinity_sets, ruleset, service_ports, sync_due

Object = dict[str, Any]


def service(name: str = "web", **spec: Any) -> Object:
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"clusterIP": "10.96.0.9", "ports": [{"port": 80, "protocol": "TCP"}], **spec},
    }


def endpoint_slice(*endpoints: Object, name: str = "web", port_name: str = "", port: int = 8080) -> Object:
    return {
        "metadata": {"namespace": "shop", "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"name": port_name, "port": port, "protocol": "TCP"}],
        "endpoints": list(endpoints),
    }


def endpoint(address: str, state: str = "ready", node: str = "node1") -> Object:
    ready, serving = state == "ready", state in ("ready", "leaving")
    conditions = {"ready": ready, "serving": serving, "terminating": state in ("leaving", "gone")}
    return {"addresses": [address], "nodeName": node, "conditions": conditions}


def one(*endpoints: Object, **spec: Any) -> ServicePort:
    (port,) = service_ports([service(**spec)], [endpoint_slice(*endpoints)])
    return port


def rules(*endpoints: Object, **spec: Any) -> list[str]:
    text = ruleset([one(*endpoints, **spec)], "node1", "10.201.0.1")
    return [line.strip() for line in text.splitlines()]


def addresses(port: ServicePort, node: str = "") -> list[str]:
    return [endpoint.address for endpoint in port.usable(node)]


def test_only_ready_endpoints_get_traffic() -> None:
    port = one(endpoint("10.244.1.2"), endpoint("10.244.1.3", "leaving"), endpoint("10.244.1.4", "starting"))
    assert addresses(port) == ["10.244.1.2"]


def test_serving_while_terminating_counts_when_no_ready_one_is_left() -> None:
    port = one(endpoint("10.244.1.2", "leaving"), endpoint("10.244.1.3", "gone"), endpoint("10.244.1.4", "starting"))
    assert addresses(port) == ["10.244.1.2"]


def test_an_endpoint_without_conditions_is_ready() -> None:
    port = one({"addresses": ["10.244.1.2"], "nodeName": "node1"})
    assert addresses(port) == ["10.244.1.2"]


def test_a_service_without_any_endpoint_is_rejected_and_not_translated() -> None:
    lines = rules(endpoint("10.244.1.2", "starting"))
    assert "ip daddr 10.96.0.9 tcp dport 80 reject" in lines
    assert not [line for line in lines if "dnat" in line and "daddr" in line]


def test_the_choice_is_random_over_the_usable_endpoints() -> None:
    lines = rules(endpoint("10.244.1.3"), endpoint("10.244.1.2"))
    targets = "{ 0 : 10.244.1.2 . 8080, 1 : 10.244.1.3 . 8080 }"
    assert f"ip daddr 10.96.0.9 tcp dport 80 dnat ip to numgen random mod 2 map {targets}" in lines


def test_a_node_port_masquerades_unless_the_policy_is_local() -> None:
    node_port = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}
    cluster = rules(endpoint("10.244.2.2", node="node2"), **node_port)
    match = "ip daddr 10.201.0.1 tcp dport 30080"
    assert any(line.startswith(f"{match} meta mark set meta mark | 0x4000 dnat") for line in cluster)
    local = rules(endpoint("10.244.1.2"), **node_port, externalTrafficPolicy="Local")
    assert any(line.startswith(f"{match} dnat") for line in local)


def test_a_local_node_port_without_an_endpoint_here_is_dropped_and_the_cluster_address_still_works() -> None:
    node_port = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}
    lines = rules(endpoint("10.244.2.2", node="node2"), **node_port, externalTrafficPolicy="Local")
    assert "ip daddr 10.201.0.1 tcp dport 30080 drop" in lines
    assert any(line.startswith("ip daddr 10.96.0.9 tcp dport 80 dnat") for line in lines)


def test_a_pod_that_reaches_itself_is_masqueraded() -> None:
    assert "ip saddr . ip daddr { 10.244.1.2 . 10.244.1.2 } masquerade fully-random" in rules(endpoint("10.244.1.2"))


def test_other_ports_of_a_cluster_address_are_rejected_and_unknown_addresses_dropped() -> None:
    lines = rules(endpoint("10.244.1.2"))
    assert lines.index("ip daddr { 10.96.0.9 } reject") < lines.index("ip daddr 10.96.0.0/16 drop")


def test_named_ports_find_their_own_targets() -> None:
    ports = [{"name": "http", "port": 80}, {"name": "admin", "port": 81}]
    slices = [
        endpoint_slice(endpoint("10.244.1.2"), port_name="http", port=8080),
        endpoint_slice(endpoint("10.244.1.2"), port_name="admin", port=9090),
    ]
    found = service_ports([service(ports=ports)], slices)
    assert {(port.port, port.usable()[0].port) for port in found} == {(80, 8080), (81, 9090)}


def test_headless_and_external_services_have_no_rules() -> None:
    assert service_ports([service(clusterIP="None")], []) == ()
    assert service_ports([service(type="ExternalName", clusterIP="")], []) == ()


def test_the_same_endpoint_in_two_slices_counts_once() -> None:
    slices = [endpoint_slice(endpoint("10.244.1.2")), endpoint_slice(endpoint("10.244.1.2"))]
    (port,) = service_ports([service()], slices)
    assert len(port.endpoints) == 1


def test_after_quiet_a_change_is_programmed_at_once() -> None:
    assert sync_due(105.0, last_ended=100.0, min_period_s=1.0) == 105.0


def test_within_the_cool_down_a_change_waits_for_its_end() -> None:
    assert sync_due(100.25, last_ended=100.0, min_period_s=10.0) == 110.0


def test_without_a_period_nothing_waits() -> None:
    assert sync_due(100.25, last_ended=100.2, min_period_s=0.0) == 100.25


def test_with_local_policy_terminating_pods_of_the_node_serve_although_another_node_has_ready_ones() -> None:
    local = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}], "externalTrafficPolicy": "Local"}
    lines = rules(endpoint("10.244.16.2", "leaving"), endpoint("10.244.32.2", node="node2"), **local)
    to = {line for line in lines if line.startswith("ip daddr 10.201.0.1 tcp dport 30080")}
    only = "dnat ip to numgen random mod 1 map { 0 : "
    assert f"ip daddr 10.201.0.1 tcp dport 30080 {only}10.244.16.2 . 8080 }}" in to
    # What comes from the node's own pods is treated as if it had gone out and come back: no policy.
    assert f"ip daddr 10.201.0.1 tcp dport 30080 ip saddr 10.244.16.0/20 {only}10.244.32.2 . 8080 }}" in to


def test_the_address_of_a_balancer_that_passes_packets_on_is_the_nodes_to_answer() -> None:
    made = service(type="LoadBalancer")
    made["status"] = {"loadBalancer": {"ingress": [{"ip": "10.202.0.1"}, {"ip": "10.202.0.2", "ipMode": "Proxy"}]}}
    (port,) = service_ports([made], [endpoint_slice(endpoint("10.244.16.2"))])
    assert port.external_ips == ("10.202.0.1",)
    assert "ip daddr 10.202.0.1 tcp dport 80 meta mark" in ruleset([port], "node1", "10.201.0.1")


def sticky(*addresses: str) -> ServicePort:
    return one(*map(endpoint, addresses), sessionAffinity="ClientIP")


NODE = ("node1", "10.201.0.1")


def test_only_a_set_that_was_made_is_deleted() -> None:
    """`nft` refuses the whole transaction else: an endpoint that is not ready has no set yet."""
    before = one(endpoint("10.244.16.2"), endpoint("10.244.16.3", "starting"), sessionAffinity="ClientIP")
    made = {line.split()[1] for line in ruleset([before], *NODE).splitlines() if line.startswith("  set ")}
    assert made == affinity_sets([before], *NODE)
    assert len(made) == 1


def test_a_client_stays_with_its_endpoint_from_sync_to_sync() -> None:
    before, after = sticky("10.244.16.2", "10.244.16.3"), sticky("10.244.16.3", "10.244.16.4")
    text = ruleset([after], *NODE, gone=affinity_sets([before], *NODE))
    (lost,) = affinity_sets([before], *NODE) - affinity_sets([after], *NODE)
    (stays,) = affinity_sets([before], *NODE) & affinity_sets([after], *NODE)
    assert f"delete set ip kube-proxy {lost}\n" in text
    assert f"delete set ip kube-proxy {stays}\n" not in text
    assert f"set {stays} {{ type ipv4_addr; flags dynamic,timeout; timeout 10800s; }}" in text
    assert f"ip saddr @{stays} goto {stays}" in text
    assert text.index(f"ip saddr @{stays} goto") < text.index("numgen random mod 2 vmap")
