"""What requests came to while an application was to warm up -> why it does not answer steadily, and what to do."""

from __future__ import annotations

from collections.abc import Iterable

from harness.errors import LoadError
from harness.model.request import Outcome
from harness.runner.load_counts import LoadCounts

_ASK = "Does the application work without any rollout? Are request.path and service.port right?"
_REFUSED = (
    "Nothing takes connections on {}: is it the program's port (targetPort), and does the program listen on all "
    "addresses, not on 127.0.0.1 alone?"
)
_NO_HTTP = (
    "What came was no HTTP/1.1, which is all that the load speaks: does the server speak HTTP/2 alone (h2c, gRPC), or "
    "TLS?"
)
_DEFAULT = "or is it the default certificate of what ends TLS, which has none for this name?"
_MENDS = {
    "mismatch": "The certificate is for another name: give the one that it is for as `request.tls.server_name` or as "
    f"the Host; {_DEFAULT}",
    "issuer certificate": f"Name its authority as `request.tls.ca`; {_DEFAULT}",
    "self-signed": f"Name its authority as `request.tls.ca`; {_DEFAULT}",
    "expired": "Renew the server's certificate.",
    "certificate required": "The server wants a certificate of the client: give `request.tls.certificate` and `key`.",
    "unrecognized name": "The server has no certificate for the name that is asked for: `request.tls.server_name`.",
    "wrong version number": "What answered there is no TLS: is that the port of HTTPS?",
}
"""What to do where TLS broke, by a part of the words for it (docs/https.md)."""


def unsteady(counts: LoadCounts, deadline_s: float, sent_to: str = "") -> LoadError:
    """The error of an application that did not answer steadily within `deadline_s`. `sent_to`: in words, the port of
    its pods to which the Service sends."""
    whys = {Outcome.STATUS.value: sorted(counts.statuses), Outcome.TLS_ERROR.value: [*filter(None, counts.troubles)]}
    told = (
        f"{count} {outcome}" + (f" ({', '.join(whys[outcome])})" if whys.get(outcome) else "")
        for outcome, count in counts.outcomes.most_common()
    )
    seen = ", ".join(told) or "no answer at all"
    tried = f"warming up for {deadline_s:g} s"
    only = {outcome for outcome, count in counts.outcomes.items() if count}
    if sent_to and only == {Outcome.CONNECT_REFUSED.value}:
        do = _REFUSED.format(sent_to)
    else:
        do = _NO_HTTP if only == {Outcome.PROTOCOL_ERROR.value} else _mend(counts.troubles) or _ASK
    return LoadError(tried, f"the Service is not answering steadily: {seen}", do)


def _mend(troubles: Iterable[str]) -> str:
    """What to do about the first of what broke TLS that has a cure of its own; empty where none has."""
    return next((do for trouble in troubles for word, do in _MENDS.items() if word in trouble), "")
