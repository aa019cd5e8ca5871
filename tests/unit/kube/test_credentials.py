"""Credentials that a plugin gives, again when the API does not take them any more; and the way to the API in words."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from paper_api import PaperApi, serving

from harness.errors import ClusterError
from harness.kube.connection import from_kubeconfig_file
from harness.kube.errors import ApiRefusal, NoAnswer

pytestmark = pytest.mark.anyio

PLUGIN = """#!/bin/sh
echo run >> {runs}
token=$(cat {token})
echo '{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {{"token": "'$token'"}}}}'
"""


def kubeconfig(folder: Path, api: PaperApi, user: dict[str, Any]) -> Path:
    config = api.kubeconfig
    config["users"][0]["user"] = user
    file = folder / "config"
    file.write_text(json.dumps(config))
    return file


def plugin(folder: Path, text: str) -> dict[str, Any]:
    program = folder / "plugin"
    program.write_text(text)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}}


@pytest.fixture
def giving(tmp_path: Path) -> dict[str, Any]:
    """A user whose plugin gives what stands in the file `token`, and counts its runs."""
    (tmp_path / "token").write_text("first")
    return plugin(tmp_path, PLUGIN.format(runs=tmp_path / "runs", token=tmp_path / "token"))


async def test_a_token_that_has_expired_is_had_again_from_the_plugin(tmp_path: Path, giving: dict[str, Any]) -> None:
    async with serving({"GET /version": [{"gitVersion": "v1"}, 401, {"gitVersion": "v2"}]}) as api:
        async with from_kubeconfig_file(kubeconfig(tmp_path, api, giving)) as kube:
            assert await kube.version() == "v1"
            (tmp_path / "token").write_text("second")
            assert await kube.version() == "v2"
        assert [call.token for call in api.calls] == ["Bearer first", "Bearer first", "Bearer second"]
    assert (tmp_path / "runs").read_text().count("run") == 2


async def test_a_plugin_that_gives_the_same_token_again_does_not_help(tmp_path: Path, giving: dict[str, Any]) -> None:
    async with serving({"GET /version": [401]}) as api, from_kubeconfig_file(kubeconfig(tmp_path, api, giving)) as kube:
        with pytest.raises(ApiRefusal) as refused:
            await kube.version()
        assert len(api.calls) == 1
    assert refused.value.status == 401
    assert refused.value.do == "Renew the credentials of this context."


async def test_a_token_file_that_was_written_anew_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first")
    answers = {"GET /version": [401, {"gitVersion": "v2"}]}
    async with serving(answers) as api:
        file = kubeconfig(tmp_path, api, {"tokenFile": str(tmp_path / "token")})
        async with from_kubeconfig_file(file) as kube:
            (tmp_path / "token").write_text("second")
            assert await kube.version() == "v2"


async def test_a_plugin_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    user = plugin(tmp_path, "#!/bin/sh\necho 'Your session has expired. Run: cloud login' >&2\nexit 3\n")
    async with serving({}) as api:
        with pytest.raises(ClusterError) as failed:
            async with from_kubeconfig_file(kubeconfig(tmp_path, api, user)):
                pytest.fail("it must not go on as nobody")
    assert "its credentials cannot be had: exec: process returned 3" in failed.value.seen
    assert "Your session has expired. Run: cloud login" in failed.value.seen


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A kubeconfig of a server whose name nobody knows (RFC 6761)."""
    api = PaperApi({})
    config = api.kubeconfig
    config["clusters"][0]["cluster"]["server"] = "https://api.staging.invalid:6443"
    file = tmp_path / "config"
    file.write_text(json.dumps(config))
    return file


async def test_a_name_that_does_not_resolve_is_said_to(away: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    async with from_kubeconfig_file(away) as kube:
        kube.patience_s = 0.0
        with pytest.raises(NoAnswer) as silent:
            await kube.version()
    assert "the name api.staging.invalid does not resolve" in silent.value.seen


async def test_a_proxy_of_the_environment_that_is_away_is_named(away: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    async with from_kubeconfig_file(away) as kube:
        kube.patience_s = 0.0
        with pytest.raises(NoAnswer) as silent:
            await kube.version()
    assert silent.value.seen.startswith("the HTTP proxy http://127.0.0.1:1 does not let it through")
    assert silent.value.do == "Put api.staging.invalid into NO_PROXY, or mend HTTPS_PROXY."


async def test_what_is_on_this_machine_is_never_proxied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with (
        serving({"GET /version": [{"gitVersion": "v1"}]}) as api,
        from_kubeconfig_file(kubeconfig(tmp_path, api, {"token": "t"})) as kube,
    ):
        assert await kube.version() == "v1"
