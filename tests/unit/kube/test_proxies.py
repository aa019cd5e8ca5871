"""Which HTTP proxy of the environment a server is reached through, as kubectl decides it."""

from __future__ import annotations

import pytest

from harness.kube.proxies import proxy_of

PROXY = "http://proxy.corp:3128"
NOT = "10.0.0.0/8,192.168.1.7,fd00::/8,.svc,corp.example,*.local,gate.example:6443"


@pytest.mark.parametrize(
    ("url", "through"),
    [
        ("https://staging.example:6443", True),
        ("https://127.0.0.1:6443", False),
        ("https://localhost:6443", False),
        ("https://[::1]:6443", False),
        ("https://10.20.30.40", False),
        ("https://11.20.30.40", True),
        ("https://192.168.1.7:6443", False),
        ("https://192.168.1.8:6443", True),
        ("https://[fd00::12]:6443", False),
        ("https://[2001:db8::1]", True),
        ("https://kubernetes.default.svc", False),
        ("https://corp.example", False),
        ("https://api.corp.example", False),
        ("https://notcorp.example", True),
        ("https://box.local", False),
        ("https://gate.example:6443", False),
        ("https://gate.example:8443", True),
        ("http://staging.example", False),  # HTTP_PROXY is another
    ],
)
def test_no_proxy_means_what_it_means_to_go(url: str, through: bool) -> None:
    assert proxy_of(url, {"HTTPS_PROXY": PROXY, "NO_PROXY": NOT}) == (PROXY if through else None)


def test_small_letters_and_a_bare_address_do_too() -> None:
    assert proxy_of("https://a.example", {"https_proxy": "proxy:3128"}) == "http://proxy:3128"
    assert proxy_of("https://a.example", {"https_proxy": "proxy:3128", "no_proxy": "*"}) is None
    assert proxy_of("https://a.example", {}) is None
