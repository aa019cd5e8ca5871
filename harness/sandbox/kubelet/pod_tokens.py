"""A pod's projected service account tokens -> asked of the API, and asked for anew before they end.

Source: kubernetes `pkg/kubelet/token/token_manager.go`: at four fifths of a token's time, or a day before its end.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
import anyio

from harness.sandbox.apiclient import ApiClient, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.kubelet.environment import Source
    from harness.sandbox.kubelet.records import Object

KIND = "token"
_DEFAULT_S = 3600
_RENEWED_AT, _LATEST_S, _RETRY_S = 0.8, 86400.0, 10.0


class TokenWish(NamedTuple):
    """One token that a volume asks for."""

    audience: str
    expires_in_s: int

    @property
    def key(self) -> tuple[str, str]:
        """Under which the pod's data has it."""
        return KIND, f"{self.expires_in_s} {self.audience}"


def wish_of(projection: Object) -> TokenWish:
    """What a `serviceAccountToken` of a projected volume asks for."""
    return TokenWish(str(projection.get("audience") or ""), int(projection.get("expirationSeconds") or _DEFAULT_S))


def wishes(pod: Object) -> frozenset[TokenWish]:
    """All tokens that the pod's volumes ask for."""
    return frozenset(
        wish_of(part["serviceAccountToken"])
        for volume in pod["spec"].get("volumes") or ()
        for part in (volume.get("projected") or {}).get("sources") or ()
        if "serviceAccountToken" in part
    )


async def fetched(client: ApiClient, pod: Object, wish: TokenWish) -> tuple[bytes, float]:
    """The token, and in how many seconds to ask again. Raises: ApiError, aiohttp.ClientError, TimeoutError."""
    metadata, account = pod["metadata"], pod["spec"].get("serviceAccountName") or "default"
    bound = {"kind": "Pod", "apiVersion": "v1", "name": metadata["name"], "uid": metadata["uid"]}
    spec: Object = {"expirationSeconds": wish.expires_in_s, "boundObjectRef": bound}
    if wish.audience:
        spec["audiences"] = [wish.audience]
    path = f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token"
    status = (await client.create(path, {"spec": spec}))["status"]
    left_s = (datetime.fromisoformat(status["expirationTimestamp"]) - datetime.now(UTC)).total_seconds()
    return status["token"].encode(), max(min(left_s * _RENEWED_AT, _LATEST_S), _RETRY_S)


async def keep_tokens(client: ApiClient, pod: Object, data: Source, write: Callable[[], None]) -> None:
    """Has every token renewed for as long as it runs; `write` puts what is new in `data` where containers see it."""
    due = {wish: anyio.current_time() + wish.expires_in_s * _RENEWED_AT for wish in wishes(pod)}
    while due:
        wish = min(due, key=lambda each: due[each])
        await anyio.sleep_until(due[wish])
        try:
            token, wait_s = await fetched(client, pod, wish)
        except (ApiError, aiohttp.ClientError, OSError, TimeoutError):
            due[wish] = anyio.current_time() + _RETRY_S
            continue
        data[wish.key] = {KIND: token}
        write()
        due[wish] = anyio.current_time() + wait_s
