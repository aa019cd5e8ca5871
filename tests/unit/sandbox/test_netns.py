"""The addresses of the sandbox's network, and the scripts that build it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.netns import attach_script, client_addresses, network_script, next_pod_address


def test_addresses_that_enter_through_the_first_node_come_first() -> None:
    assert client_addresses(2, 2) == ("10.200.1.10", "10.200.1.11", "10.200.2.10", "10.200.2.11")


def test_the_first_pod_gets_the_first_address_after_the_gateway() -> None:
    assert next_pod_address(3, None, frozenset()) == "10.244.3.2"


def test_a_freed_address_does_not_come_back_at_once() -> None:
    assert next_pod_address(1, "10.244.1.7", frozenset({"10.244.1.2"})) == "10.244.1.8"


def test_after_the_last_address_the_first_free_one_follows() -> None:
    assert next_pod_address(1, "10.244.1.254", frozenset({"10.244.1.2"})) == "10.244.1.3"


def test_a_full_network_says_so() -> None:
    taken = frozenset(f"10.244.1.{n}" for n in range(2, 255))
    with pytest.raises(RuntimeError, match=r"no free address in 10\.244\.1\.0/24"):
        next_pod_address(1, None, taken)


@given(st.integers(2, 254), st.sets(st.integers(2, 254), max_size=252))
def test_an_address_in_use_is_never_given_again(last: int, taken: set[int]) -> None:
    used = frozenset(f"10.244.1.{n}" for n in taken)
    assert next_pod_address(1, f"10.244.1.{last}", used) not in used


def test_every_node_and_the_client_host_have_a_namespace_of_their_own() -> None:
    script = network_script(Path("/state/netns"), 2, 1)
    for name in ("client", "node1", "node2"):
        assert f"unshare --net=/state/netns/{name} " in script


def test_a_source_address_decides_through_which_node_it_enters() -> None:
    script = network_script(Path("/state/netns"), 2, 1)
    assert "rule add from 10.200.2.0/24 table 102" in script
    assert "route add default via 10.200.2.1 dev to-client2 table 102" in script


def test_a_pod_reaches_even_its_neighbours_through_the_node() -> None:
    script = attach_script(Path("/state/netns/pod-1"), "v2", "10.244.1.2", "10.244.1.1")
    assert "addr add 10.244.1.2/32 dev eth0" in script
    assert "route add default via 10.244.1.1 src 10.244.1.2" in script


def test_the_pods_bridge_has_an_address_that_no_pod_takes_with_it() -> None:
    script = network_script(Path("/state/netns"), 2, 1)
    assert "link add cni0 address 0a:58:0a:f4:01:01 type bridge" in script
    assert "link add cni0 address 0a:58:0a:f4:02:01 type bridge" in script
