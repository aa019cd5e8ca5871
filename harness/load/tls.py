"""A plan into the TLS context of its connections; a handshake, or what broke it, into facts of an attempt."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.load.outcomes import Ending, chain, ending
from harness.load.records import safe
from harness.load.wire import host_header
from harness.model.request import Cut, Outcome, TlsFacts

if TYPE_CHECKING:
    from harness.load.attempt import Attempt
    from harness.load.plan import Plan

_MISMATCH = {62: "hostname mismatch", 64: "IP address mismatch"}
"""X509_V_ERR_..._MISMATCH of <openssl/x509_vfy.h>, whose own words hold what was asked for."""


class ClientContext(ssl.SSLContext):
    """A client's context. With `reuses`, a connection offers the session of the one that was answered last, as
    browsers and connection pools do; a server that does not know it does the whole handshake."""

    reuses = False
    _session: ssl.SSLSession | None = None

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As the standard library's, which event loops call; they know of no session."""
        known = session or (self._session if self.reuses else None)
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, known)

    def keep_of(self, answered: ssl.SSLObject | None) -> None:
        """Offer this connection's session from now on; in TLS 1.3 it comes after the handshake, with the answer."""
        if self.reuses and answered is not None and answered.session is not None:
            self._session = answered.session


def tls_context(plan: Plan) -> ClientContext | None:
    """The context of an https:// plan, None for http://. With `ca_pem`, nothing else is trusted."""
    if urlsplit(plan.url).scheme != "https":
        return None
    context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
    context.reuses = plan.session_reuse
    if plan.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif plan.ca_pem:
        context.load_verify_locations(cadata=plan.ca_pem)
    else:
        context.load_default_certs()
    if plan.client_pem:
        _show(context, plan.client_pem)
    return context


def _show(context: ssl.SSLContext, pem: str) -> None:
    """Have the client show this certificate. ssl reads files alone; this one is memory: no disk ever has the key."""
    descriptor = os.memfd_create("client.pem")
    try:
        os.write(descriptor, pem.encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def server_name(plan: Plan) -> str:
    """The name that TLS asks for (SNI) and checks: the plan's own, else the Host header's, else the URL's."""
    if plan.server_name:
        return plan.server_name
    host = next((value for name, value in plan.headers if name.lower() == "host"), host_header(plan))
    return urlsplit(f"//{host}").hostname or ""


def learn_handshake(attempt: Attempt, spoken: ssl.SSLObject | None, now: float) -> None:
    """Note that the handshake of the connection that `attempt` opened is done, `now`."""
    took_s = None if attempt.connected is None else max(0.0, now - attempt.connected)
    attempt.tls = TlsFacts(handshake=took_s, resumed=None if spoken is None else bool(spoken.session_reused))


def learn_trouble(attempt: Attempt, outcome: Outcome, error: BaseException) -> None:
    """Note what broke TLS, where that is the outcome."""
    if outcome is Outcome.TLS_ERROR:
        known = attempt.tls or TlsFacts()
        attempt.tls = TlsFacts(handshake=known.handshake, resumed=known.resumed, trouble=trouble(error))


def trouble(error: BaseException) -> str:
    """What broke a handshake: a `Cut`, or OpenSSL's words for what it found wrong."""
    what = ending(error)
    if what in (Ending.TLS, Ending.ALERT):
        return next((_words(link) for link in chain(error) if isinstance(link, ssl.SSLError)), "")
    if what is Ending.TIMEOUT:
        return Cut.TIMEOUT
    # Where the peer closes in a handshake, event loops raise an error of their own, which has no number.
    numbers = [link.errno for link in chain(error) if isinstance(link, ConnectionError)]
    return Cut.EOF if what is Ending.EOF or not any(numbers) else Cut.RESET


def _words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return safe("certificate: " + (_MISMATCH.get(error.verify_code) or error.verify_message))
    return safe((getattr(error, "reason", None) or "not TLS").lower().replace("_", " "))
