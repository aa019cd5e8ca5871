"""A context's user -> its credentials, had again when the API does not take them any more.

The client asks an exec plugin, a token file or an identity provider once, when it reads the kubeconfig; a token of a
cloud's plugin lasts for 15 minutes, and a run may last longer. kubectl asks again where the API answers 401, and so is
done here: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
A Pod's own token is read again before it has expired, as Kubernetes asks: an API that still takes an expired one counts
who sends it.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import anyio
from kubernetes.aio import client as kubernetes_client
from kubernetes.aio import config as kubernetes_config

from harness.errors import ClusterError

_PLUGIN_TIMEOUT_S = 60.0
_BEARER = "BearerToken"
_LOGGER = logging.getLogger("kubernetes.aio.config.kube_config")


class _Complaints(logging.Handler):
    """What the client only logs: that a plugin failed, after which it would go on as nobody."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps it."""
        self.said.append(" ".join(record.getMessage().split()))


@contextmanager
def _heard() -> Iterator[list[str]]:
    complaints, propagated = _Complaints(), _LOGGER.propagate
    _LOGGER.addHandler(complaints)
    _LOGGER.propagate = False
    try:
        yield complaints.said
    finally:
        _LOGGER.removeHandler(complaints)
        _LOGGER.propagate = propagated


@dataclass(slots=True, kw_only=True)
class Credentials:
    """Those of a context in these kubeconfig files, in `configuration`, from which every call takes them.

    `at_hand`: a kubeconfig in place of the files. `good_for_s`: for so long they need not be read again.
    """

    files: tuple[Path, ...] = ()
    context: str | None = None
    at_hand: Mapping[str, Any] | None = None
    good_for_s: float = math.inf
    tried: str
    do: str
    configuration: kubernetes_client.Configuration = field(default_factory=kubernetes_client.Configuration)
    _lock: anyio.Lock = field(default_factory=anyio.Lock)
    _read_at_s: float = 0.0

    async def load(self) -> None:
        """Read address, certificates and credentials.

        Raises:
            ClusterError: they cannot be had; says why.
        """
        await self._load_into(self.configuration)
        self._read_at_s = monotonic()

    async def current(self) -> str | None:
        """What a call is to carry, with its scheme; None where a certificate speaks for the user."""
        if monotonic() - self._read_at_s > self.good_for_s:
            self._read_at_s = monotonic()
            with suppress(ClusterError):  # the API tells whether the old one still does
                await self.renewed(self.token())
        return self.token()

    async def renewed(self, refused: str | None) -> bool:
        """Have the token again, after the API did not take `refused`; False where there is no other.

        Raises:
            ClusterError: it cannot be had any more.
        """
        async with self._lock:
            if self.token() != refused:  # another call's refusal was before this one
                return True
            fresh = kubernetes_client.Configuration()
            await self._load_into(fresh)
            token = fresh.api_key.get(_BEARER)
            if token is None or token == refused:
                return False
            self.configuration.api_key[_BEARER] = token
            return True

    def token(self) -> str | None:
        """What calls carry now, with its scheme; None where a certificate speaks for the user."""
        token: str | None = self.configuration.api_key.get(_BEARER)
        return token

    async def _load_into(self, configuration: kubernetes_client.Configuration) -> None:
        with _heard() as complaints:
            try:
                with anyio.fail_after(_PLUGIN_TIMEOUT_S):
                    await self._read_into(configuration)
            except TimeoutError:
                seen = f"its credentials did not come within {_PLUGIN_TIMEOUT_S:g} s (does a plugin ask a question?)"
                raise ClusterError(self.tried, seen, self.do) from None
            except Exception as error:  # certificates, base64, plugins: each with errors of its own
                why = " ".join(str(error).split()) or type(error).__name__
                raise ClusterError(self.tried, f"its credentials cannot be had: {why}", self.do) from error
        if complaints:
            raise ClusterError(self.tried, f"its credentials cannot be had: {complaints[0]}", self.do)

    async def _read_into(self, configuration: kubernetes_client.Configuration) -> None:
        if self.at_hand is not None:
            await kubernetes_config.load_kube_config_from_dict(dict(self.at_hand), client_configuration=configuration)
            return
        await kubernetes_config.load_kube_config(
            config_file=os.pathsep.join(map(str, self.files)), context=self.context, client_configuration=configuration
        )
