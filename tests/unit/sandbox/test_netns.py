"""The addresses of the sandbox's network, and the scripts that build it."""

from __future__ import annotations

from ipaddress import IPv4Address
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.netns import (
    AddressesExhausted,
    attach_script,
    client_addresses,
    linked_address,
    network_script,
    next_pod_address,
    pod_link,
    pod_network,
)


def test_addresses_that_enter_through_the_first_node_come_first() -> None:
    assert client_addresses(2, 2) == ("10.200.1.10", "10.200.1.11", "10.200.2.10", "10.200.2.11")


def test_the_first_pod_gets_the_first_address_after_the_gateway() -> None:
    assert next_pod_address(3, None, frozenset()) == "10.244.48.2"


def test_a_freed_address_does_not_come_back_before_all_others_were_given() -> None:
    taken, last, given = set[str](), None, list[str]()
    while len(set(given)) == len(given):
        last = next_pod_address(1, last, taken)
        given.append(last)
        taken = set(given[-250:])
    assert given[-1] == given[0]
    assert len(given) > 4000


def test_after_the_last_address_the_first_free_one_follows() -> None:
    assert next_pod_address(1, "10.244.31.254", frozenset({"10.244.16.2"})) == "10.244.16.3"


def test_a_full_network_says_so() -> None:
    taken = frozenset(map(str, pod_network(1)))
    with pytest.raises(AddressesExhausted, match=r"no IP addresses available in range set: 10\.244\.16\.1-10\.244\.31"):
        next_pod_address(1, None, taken)


@given(st.integers(2, 4094), st.sets(st.integers(2, 4094), max_size=252))
def test_an_address_in_use_is_never_given_again(last: int, taken: set[int]) -> None:
    network = pod_network(1)
    used = frozenset(str(network[n]) for n in taken)
    address = next_pod_address(1, str(network[last]), used)
    assert address not in used
    assert IPv4Address(address) in network


def test_no_two_nodes_share_an_address_of_their_pods() -> None:
    networks = [pod_network(number) for number in range(1, 10)]
    assert not any(one.overlaps(other) for one, other in combinations(networks, 2))


def test_a_link_tells_whose_it_is() -> None:
    assert linked_address(pod_link("10.244.16.2")) == "10.244.16.2"
    assert [linked_address(name) for name in ("cni0", "toclient0", "under2", "veth1")] == [None] * 4
    assert len(pod_link("10.244.255.254")) < 16  # IFNAMSIZ


def test_every_node_and_the_client_host_have_a_namespace_of_their_own() -> None:
    script = network_script(Path("/state/netns"), 2, 1)
    for name in ("client", "node1", "node2"):
        assert f"unshare --net=/state/netns/{name} " in script


def test_a_source_address_decides_through_which_node_it_enters() -> None:
    script = network_script(Path("/state/netns"), 2, 1)
    assert "rule add from 10.200.2.0/24 table 102" in script
    assert "route add default via 10.200.2.1 dev to-client2 table 102" in script


def test_a_pod_reaches_even_its_neighbours_through_the_node() -> None:
    script = attach_script(Path("/state/netns/pod-1"), "10.244.16.2", "10.244.16.1")
    assert "addr add 10.244.16.2/32 dev eth0" in script
    assert "route add default via 10.244.16.1 src 10.244.16.2" in script


def test_node_and_pod_know_each_other_without_asking() -> None:
    script = attach_script(Path("/state/netns/pod-1"), "10.244.16.2", "10.244.16.1")
    assert "peer name eth0 address 0a:58:0a:f4:10:02 " in script
    assert "neigh replace 10.244.16.2 lladdr 0a:58:0a:f4:10:02 dev cni0 nud permanent" in script
    assert "neigh replace 10.244.16.1 lladdr 0a:58:0a:f4:10:01 dev eth0 nud permanent" in script


def test_the_pods_bridge_has_an_address_that_no_pod_takes_with_it() -> None:
    script = network_script(Path("/state/netns"), 2, 1)
    assert "link add cni0 address 0a:58:0a:f4:10:01 type bridge" in script
    assert "link add cni0 address 0a:58:0a:f4:20:01 type bridge" in script
