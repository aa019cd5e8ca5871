"""Secrets of type kubernetes.io/service-account-token -> filled with a token that holds for as long as they are there.

Source: kubernetes `pkg/controller/serviceaccount/tokens_controller.go`.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError
from harness.sandbox.apiserver.resources import SECRETS, SERVICE_ACCOUNTS
from harness.sandbox.controllers.caches import Key, copied, key_of
from harness.sandbox.controllers.workqueue import WorkQueue

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update

TYPE = "kubernetes.io/service-account-token"
_NAME, _UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
_LONGEST_S = 2**31 - 1


class AccountTokensController:
    """Looks after such Secrets: without its account one goes."""

    def __init__(self, caches: Caches, root_ca: str) -> None:
        self._client, self._root_ca = caches.client, root_ca
        self._secrets, self._accounts = caches.of(SECRETS), caches.of(SERVICE_ACCOUNTS)
        self._queue: WorkQueue[Key] = WorkQueue("accounttokens", self._sync, workers=1)
        self._secrets.listen(self._on_secret)
        self._accounts.listen(self._on_account)

    async def run(self) -> None:
        """Works for ever."""
        await self._queue.run()

    def _on_secret(self, update: Update) -> None:
        if update.new.get("type") == TYPE:
            self._queue.add(key_of(update.new))

    def _on_account(self, update: Update) -> None:
        metadata = update.new["metadata"]
        for secret in self._secrets.all(metadata["namespace"]):
            if secret.get("type") == TYPE and _account_of(secret) == metadata["name"]:
                self._queue.add(key_of(secret))

    async def _sync(self, key: Key) -> None:
        secret = self._secrets.get(*key)
        if secret is None or secret["metadata"].get("deletionTimestamp"):
            return
        account = self._accounts.get(key.namespace, _account_of(secret))
        told = (secret["metadata"].get("annotations") or {}).get(_UID)
        if account is None or told not in (None, account["metadata"]["uid"]):
            await self._delete(secret)
        elif not {"token", "ca.crt", "namespace"} <= set(secret.get("data") or {}) or told is None:
            await self._fill(key, secret, account)

    async def _fill(self, key: Key, secret: Object, account: Object) -> None:
        metadata = secret["metadata"]
        bound = {"kind": "Secret", "apiVersion": "v1", "name": metadata["name"], "uid": metadata["uid"]}
        wish = {"spec": {"expirationSeconds": _LONGEST_S, "boundObjectRef": bound}}
        path = f"{SERVICE_ACCOUNTS.path(key.namespace, account['metadata']['name'])}/token"
        token = (await self._client.create(path, wish))["status"]["token"]
        filled = copied(secret)
        filled["metadata"].setdefault("annotations", {})[_UID] = account["metadata"]["uid"]
        data = {"token": token, "ca.crt": self._root_ca, "namespace": key.namespace}
        made = {name: base64.b64encode(text.encode()).decode() for name, text in data.items()}
        filled["data"] = {**made, **(secret.get("data") or {})}
        await self._client.update(SECRETS.path(*key), filled)

    async def _delete(self, secret: Object) -> None:
        try:
            await self._client.delete(SECRETS.path(*key_of(secret)), uid=secret["metadata"]["uid"])
        except ApiError as error:
            if error.status not in (404, 409):
                raise


def _account_of(secret: Object) -> str:
    return str((secret["metadata"].get("annotations") or {}).get(_NAME, ""))
