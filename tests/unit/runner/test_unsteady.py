"""What is said of an application that does not answer steadily: what requests came to, and what TLS broke on."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.model.request import COLUMNS
from harness.runner.load_counts import LoadCounts
from harness.runner.unsteady import unsteady


@pytest.mark.parametrize(
    ("trouble", "do"),
    [
        ("certificate: hostname mismatch", "is for another name"),
        ("certificate: unable to get local issuer certificate", "`request.tls.ca`"),
        ("certificate: self-signed certificate", "`request.tls.ca`"),
        ("certificate: certificate has expired", "Renew"),
        ("tlsv13 alert certificate required", "`request.tls.certificate`"),
        ("wrong version number", "is no TLS"),
        ("reset", "Does the application work without any rollout?"),
    ],
)
def test_what_broke_tls_is_told_with_what_to_do(trouble: str, do: str) -> None:
    counts = LoadCounts(outcomes=Counter({"tls-error": 3, "ok": 1}), troubles=Counter({trouble: 3}))
    error = unsteady(counts, 15.0)
    assert error.seen == f"the Service is not answering steadily: 3 tls-error ({trouble}), 1 ok"
    assert do in error.do


@pytest.mark.parametrize(
    ("outcomes", "named"), [({"connect-refused": 9}, True), ({"connect-refused": 9, "ok": 1}, False)]
)
def test_a_port_on_which_nothing_listens_is_named(outcomes: dict[str, int], named: bool) -> None:
    error = unsteady(LoadCounts(outcomes=Counter(outcomes)), 15.0, "port 9999 of the pods of deployment/web")
    assert ("Nothing takes connections on port 9999 of the pods of deployment/web: is it" in error.do) is named


def test_a_server_that_speaks_another_protocol_is_asked_for_that() -> None:
    error = unsteady(LoadCounts(outcomes=Counter({"protocol-error": 9})), 15.0, "port 80 of the pods of deployment/web")
    assert "does the server speak HTTP/2 alone" in error.do


def test_rows_are_counted_by_what_broke_tls() -> None:
    counts = LoadCounts()
    cells = {"outcome": b"tls-error", "ended": b"1.5", "tls_trouble": b"certificate: hostname mismatch"}
    counts.count([cells.get(name, b"") for name in COLUMNS], 1.6, 0.0)
    assert counts.troubles == {"certificate: hostname mismatch": 1}
