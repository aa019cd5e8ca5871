"""What a supervisor says first, and what becomes of it."""

from __future__ import annotations

import pytest

from harness.sandbox import launch
from harness.sandbox.errors import MachineUnfit, StartFailed
from harness.sandbox.launch import kubeconfig, ready_or_why, settings_here
from harness.sandbox.settings import Settings

DIED = {"component": "node1", "how": "ended with status 1", "stderr": ["a", "b", "", "c", "d"]}


def test_who_is_ready_is_passed_on() -> None:
    assert ready_or_why({"ready": {"node1": {}}}, ()) == {"node1": {}}


@pytest.mark.parametrize(
    ("message", "stderr", "words"),
    [
        (None, (), "not ready within 60 s. Is the machine busy?"),
        ({"died": DIED}, (), "node1 ended with status 1 (b | c | d)"),
        ({}, ("unshare: no rights",), "supervisor ended (unshare: no rights)"),
        ({}, (), "supervisor ended"),
    ],
)
def test_why_it_did_not_come_up_is_said(message: dict[str, object] | None, stderr: tuple[str, ...], words: str) -> None:
    with pytest.raises(StartFailed) as raised:
        ready_or_why(message, stderr)
    assert str(raised.value) == f"start the sandbox: {words}"


def test_what_the_machine_lacks_is_said_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "missing", lambda **_: ("Not installed: nft.", "No rights."))
    with pytest.raises(MachineUnfit, match=r"start the sandbox: Not installed: nft\. No rights\."):
        settings_here(Settings())


@pytest.mark.parametrize(("user", "rootless"), [(0, False), (1000, True)])
def test_an_ordinary_users_sandbox_is_rootless(monkeypatch: pytest.MonkeyPatch, user: int, rootless: bool) -> None:
    monkeypatch.setattr(launch, "missing", lambda **_: ())
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert settings_here(Settings(nodes=2)) == Settings(nodes=2, rootless=rootless)


def test_a_kubeconfig_leads_to_the_loopback_with_the_token_and_the_authority() -> None:
    config = kubeconfig({"port": 6443, "ca": "PEM", "token": "secret"}, "this-one")
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"
    assert config["clusters"][0]["cluster"]["certificate-authority-data"] == "UEVN"
    assert config["clusters"][0]["cluster"]["extensions"][0]["extension"] == {"sandbox": "this-one"}
    assert config["users"][0]["user"]["token"] == "secret"
