"""The PEM files that `tls` of `request` names -> what a plan holds of them; what is wrong with one is found here."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ExperimentError
from harness.inputs.files import file_text
from harness.model.request_settings import TlsSettings
from harness.redaction import door

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_ENCRYPTED = ("BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED")
"""RFC 5958 and RFC 1421: how a key says that it takes a password."""


def of_plan(tls: TlsSettings, *, now: datetime | None = None) -> dict[str, Any]:
    """The fields of a plan that are about TLS. The key is learnt, so that nothing that is written has it.

    Raises:
        ExperimentError: a file cannot be read or is no PEM, a certificate is not valid `now` (today), or the key is not
            the certificate's, or encrypted.
    """
    moment = now or datetime.now(UTC)
    ca = certificate = key = ""
    if tls.ca is not None:
        ca = file_text(tls.ca, error=ExperimentError)
        # Of a bundle some may have expired, as in every system's, or be the next one's, which is not valid yet.
        latest_first = sorted(_certificates(tls.ca, ca), key=lambda each: each.not_valid_after_utc, reverse=True)
        _check_valid(tls.ca, next((each for each in latest_first if _is_valid(each, moment)), latest_first[0]), moment)
    if tls.certificate is not None:
        certificate = file_text(tls.certificate, error=ExperimentError)
        key_file = tls.key or tls.certificate
        key = certificate if tls.key is None else file_text(tls.key, error=ExperimentError)
        door().learn(key)
        first, *_ = _certificates(tls.certificate, certificate)
        _check_valid(tls.certificate, first, moment)
        _check_key(key_file, key, tls.certificate, first)
    return {
        "ca_pem": ca,
        "client_pem": certificate if tls.key is None else f"{certificate}\n{key}",
        "insecure": tls.insecure,
        "server_name": tls.server_name or "",
        "session_reuse": tls.session_reuse,
    }


def _certificates(file: Path, text: str) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    tried = f"reading {file}"
    if "-----BEGIN CERTIFICATE-----" not in text:
        seen = "it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"
        raise ExperimentError(tried, seen, "Convert it: openssl x509 -inform der -in FILE -out FILE.pem")
    try:
        return load_pem_x509_certificates(text.encode())
    except ValueError as error:
        seen = f"it holds a certificate that cannot be read ({str(error).splitlines()[0]})"
        raise ExperimentError(tried, seen, "Is it whole? openssl x509 -noout -text -in FILE says more.") from None


def _is_valid(certificate: Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _check_valid(file: Path, certificate: Certificate, now: datetime) -> None:
    if _is_valid(certificate, now):
        return
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    word = f"expired on {until:%Y-%m-%d}" if now > until else f"is not valid before {since:%Y-%m-%d}"
    name = certificate.subject.rfc4514_string()
    raise ExperimentError(f"reading {file}", f"the certificate of {name} {word}", "Name one that is valid.")


def _check_key(file: Path, text: str, certificate_file: Path, certificate: Certificate) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    tried = f"reading {file}"
    if any(mark in text for mark in _ENCRYPTED):
        raise ExperimentError(
            tried, "its key is encrypted, and nobody is asked for a password", "Decrypt it: openssl pkey -in FILE"
        )
    if "PRIVATE KEY-----" not in text:
        raise ExperimentError(tried, "it holds no private key in PEM", "Give `key`, the certificate's private key.")
    try:
        key = load_pem_private_key(text[_start_of_key(text) :].encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # their words may quote what they could not read
        raise ExperimentError(
            tried, "its private key cannot be read", "Is it whole? openssl pkey -noout -in FILE says more."
        ) from None
    theirs, ours = (
        each.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for each in (certificate.public_key(), key.public_key())
    )
    if theirs != ours:
        seen = f"its key is not that of the first certificate in {certificate_file}"
        raise ExperimentError(tried, seen, "Give the two that belong together, the client's own certificate first.")


def _start_of_key(text: str) -> int:
    """Where the key begins: a file may have parameters or certificates before it."""
    end_of_line = text.index("PRIVATE KEY-----")
    return text.rindex("-----BEGIN ", 0, end_of_line)
