"""A ServiceAccount -> signed tokens that say who carries them; a token -> its ServiceAccount, where it still holds.

JSON Web Tokens (RFC 7519) with the claims of kubernetes `pkg/serviceaccount/claims.go`, signed by ES256 (RFC 7518, 3.4)
with a key that lives as long as the server. A token ends with its time, its account, and the pod it is bound to.
"""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from harness.sandbox.apiserver import users
from harness.sandbox.apiserver.resources import PODS, SECRETS, SERVICE_ACCOUNTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.apiserver.store import Object, Store
    from harness.sandbox.apiserver.users import User

AUDIENCE = "https://kubernetes.default.svc.cluster.local"
_HEADER = {"alg": "ES256", "kid": "sandbox"}
_NUMBER_BYTES = 32
_SIGNED = ec.ECDSA(hashes.SHA256())
# What a kubelet asks for a pod's token, and how long it holds then: clients from before 1.21 read it only once.
_DEFAULT_POD_EXPIRY_S, _EXTENDED_S = 3607, 365 * 86400
_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Bound:
    """The object without which a token does not hold: a Pod or a Secret."""

    kind: str
    name: str
    uid: str


class Tokens:
    """Makes and checks the tokens of one API server."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store, self._now = store, now
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._public = self._key.public_key()
        self._checked: dict[str, dict[str, Any]] = {}

    def made(self, account: Object, audiences: list[str], expires_in_s: int, bound: Bound | None) -> tuple[str, float]:
        """A token for the account, and when it says that it ends."""
        metadata, now = account["metadata"], int(self._now())
        about: dict[str, Any] = {
            "namespace": metadata["namespace"],
            "serviceaccount": {"name": metadata["name"], "uid": metadata["uid"]},
        }
        if bound is not None:
            about[bound.kind.lower()] = {"name": bound.name, "uid": bound.uid}
        lasts_s = expires_in_s
        if bound is not None and bound.kind == "Pod" and expires_in_s == _DEFAULT_POD_EXPIRY_S:
            about["warnafter"], lasts_s = now + expires_in_s, _EXTENDED_S
        claims = {
            "aud": audiences or [AUDIENCE],
            "exp": now + lasts_s,
            "iat": now,
            "iss": AUDIENCE,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": about,
            "nbf": now,
            "sub": f"{users.ACCOUNT_PREFIX}{metadata['namespace']}:{metadata['name']}",
        }
        signing = ".".join(_encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (_HEADER, claims))
        r, s = utils.decode_dss_signature(self._key.sign(signing.encode(), _SIGNED))
        signature = r.to_bytes(_NUMBER_BYTES, "big") + s.to_bytes(_NUMBER_BYTES, "big")
        return f"{signing}.{_encoded(signature)}", now + expires_in_s

    def user_of(self, token: str, audiences: tuple[str, ...] = (AUDIENCE,)) -> User | None:
        """Whose token it is; None where it is no token of this server, or does not hold any more."""
        claims = self._checked.get(token)
        if claims is None:
            claims = self._claims(token)
            if claims is None:
                return None
            if len(self._checked) >= _REMEMBERED:
                self._checked.pop(next(iter(self._checked)))
            self._checked[token] = claims
        if not claims["nbf"] <= self._now() + 1 or self._now() >= claims["exp"]:
            return None
        return self._holder(claims) if set(audiences) & set(claims["aud"]) else None

    def _claims(self, token: str) -> dict[str, Any] | None:
        signing, _, signature = token.rpartition(".")
        try:
            raw = _decoded(signature)
            numbers = int.from_bytes(raw[:_NUMBER_BYTES], "big"), int.from_bytes(raw[_NUMBER_BYTES:], "big")
            self._public.verify(utils.encode_dss_signature(*numbers), signing.encode(), _SIGNED)
            if len(raw) != 2 * _NUMBER_BYTES or json.loads(_decoded(signing.split(".")[0])) != _HEADER:
                return None
            claims: dict[str, Any] = json.loads(_decoded(signing.split(".")[1]))
        except (ValueError, IndexError, InvalidSignature):
            return None
        return claims

    def _holder(self, claims: dict[str, Any]) -> User | None:
        about = claims["kubernetes.io"]
        namespace, account = about["namespace"], about["serviceaccount"]
        stored = self._store.get(SERVICE_ACCOUNTS, namespace, account["name"])
        if stored is None or stored.obj["metadata"]["uid"] != account["uid"]:
            return None
        extra = [("authentication.kubernetes.io/credential-id", f"JTI={claims['jti']}")]
        if (secret := about.get("secret")) is not None:
            kept = self._store.get(SECRETS, namespace, secret["name"])
            if kept is None or kept.obj["metadata"]["uid"] != secret["uid"]:
                return None
        if (pod := about.get("pod")) is not None:
            there = self._store.get(PODS, namespace, pod["name"])
            if there is None or there.obj["metadata"]["uid"] != pod["uid"]:
                return None
            if node := there.obj["spec"].get("nodeName"):
                extra.append(("authentication.kubernetes.io/node-name", node))
            extra.append(("authentication.kubernetes.io/pod-name", pod["name"]))
            extra.append(("authentication.kubernetes.io/pod-uid", pod["uid"]))
        return users.service_account(namespace, account["name"], account["uid"], tuple(extra))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    if not text.isascii():
        raise ValueError("not base64")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
