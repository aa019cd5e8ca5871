"""What is wrong with the files of `request.tls` is told with the file, before anything is deployed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec

from harness.errors import ExperimentError
from harness.load.plan import Plan, Stream
from harness.load.tls import tls_context
from harness.model.request_settings import TlsSettings
from harness.redaction import door
from harness.runner.certificates import of_plan

AUTHORITY = trustme.CA()
CLIENT = AUTHORITY.issue_cert("me@shop.test")
YEAR = timedelta(days=365)
NOW = datetime.now(UTC)


def text(*blobs: trustme.Blob) -> str:
    return "".join(blob.bytes().decode() for blob in blobs)


CERTIFICATE, KEY = text(*CLIENT.cert_chain_pems), text(CLIENT.private_key_pem)


def settings(folder: Path, **files: str) -> TlsSettings:
    """The files, written; `certificate` is certificate.pem in the folder."""
    for name, content in files.items():
        (folder / f"{name}.pem").write_text(content)
    return TlsSettings.model_validate({name: folder / f"{name}.pem" for name in files})


def old(**when: datetime) -> str:
    return text(*AUTHORITY.issue_cert("me@shop.test", **when).cert_chain_pems)


def encrypted() -> str:
    key = pem.load_pem_private_key(KEY.encode(), None)
    password = pem.BestAvailableEncryption(b"opensesame")
    return key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, password).decode()


WRONG: dict[str, tuple[dict[str, str], str, str]] = {
    "authorities that are none": ({"ca": "CA"}, "ca.pem", "holds no certificate in PEM"),
    "a torn certificate": ({"ca": CERTIFICATE[:200] + "\n-----END CERTIFICATE-----\n"}, "ca.pem", "cannot be read"),
    "a certificate that is none": ({"certificate": "no", "key": KEY}, "certificate.pem", "no certificate in PEM"),
    "a certificate without its key": ({"certificate": CERTIFICATE}, "certificate.pem", "no private key in PEM"),
    "a key that is none": ({"certificate": CERTIFICATE, "key": "KEY"}, "key.pem", "no private key in PEM"),
    "a torn key": (
        {"certificate": CERTIFICATE, "key": KEY[:60] + KEY[-40:]},
        "key.pem",
        "private key cannot be read",
    ),
    "another's key": (
        {"certificate": CERTIFICATE, "key": text(AUTHORITY.issue_cert("you@shop.test").private_key_pem)},
        "key.pem",
        "is not that of the first certificate in .*certificate.pem",
    ),
    "an encrypted key": ({"certificate": CERTIFICATE, "key": encrypted()}, "key.pem", "is encrypted"),
    "one that expired": (
        {"certificate": old(not_before=NOW - YEAR, not_after=NOW - timedelta(days=1)), "key": KEY},
        "certificate.pem",
        f"expired on {NOW - timedelta(days=1):%Y-%m-%d}",
    ),
    "one that is for later": (
        {"certificate": old(not_before=NOW + timedelta(days=9)), "key": KEY},
        "certificate.pem",
        f"is not valid before {NOW + timedelta(days=9):%Y-%m-%d}",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_its_file(name: str, tmp_path: Path) -> None:
    files, file, words = WRONG[name]
    with pytest.raises(ExperimentError, match=words) as caught:
        of_plan(settings(tmp_path, **files))
    assert caught.value.tried == f"reading {tmp_path / file}"
    assert caught.value.do
    assert "PRIVATE KEY-----" not in str(caught.value)


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="nowhere"):
        of_plan(TlsSettings(ca=tmp_path / "nowhere.pem"))


@pytest.mark.parametrize("apart", [True, False])
def test_what_is_right_is_taken_and_the_key_is_written_nowhere(apart: bool, tmp_path: Path) -> None:
    files = {"certificate": CERTIFICATE, "key": KEY} if apart else {"certificate": CERTIFICATE + KEY}
    made = of_plan(settings(tmp_path, ca=text(AUTHORITY.cert_pem), **files))
    stream = Stream(name="new", rate_per_s=1)
    assert tls_context(Plan(url="https://shop.test/", streams=(stream,), **made)) is not None
    written = door().text(f"a server echoed {KEY}")
    assert not any(line in written for line in KEY.splitlines()[1:-1])


def authority(since: datetime, until: datetime) -> str:
    """An authority's certificate, valid for that time."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"until {until:%Y}")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), since, until)
    return made.sign(key, hashes.SHA256()).public_bytes(pem.Encoding.PEM).decode()


BEFORE, NEXT = authority(NOW - 2 * YEAR, NOW - YEAR), authority(NOW + YEAR, NOW + 2 * YEAR)


def test_a_bundle_with_the_authority_before_and_the_next_one_is_valid_by_the_one_of_today(tmp_path: Path) -> None:
    today = authority(NOW - YEAR, NOW + YEAR / 2)
    assert of_plan(settings(tmp_path, ca=BEFORE + today + NEXT))["ca_pem"]
    with pytest.raises(ExperimentError, match=r"until .* is not valid before"):
        of_plan(settings(tmp_path, ca=BEFORE + NEXT))
