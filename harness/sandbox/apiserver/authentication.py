"""A request's headers -> the user that makes it, or a 401: the kubeconfig's token, a ServiceAccount's, impersonation.

Source: kubernetes.io/docs/reference/access-authn-authz/authentication, "User impersonation".
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors, users
from harness.sandbox.apiserver.tokens import AUDIENCE

if TYPE_CHECKING:
    from aiohttp import web

    from harness.sandbox.apiserver.rights import Rights
    from harness.sandbox.apiserver.tokens import Tokens
    from harness.sandbox.apiserver.users import User

_EXTRA = "impersonate-extra-"


class Authentication:
    """Knows one administrator's token and the server's own."""

    def __init__(self, token: str, tokens: Tokens, rights: Rights) -> None:
        self._token, self._tokens, self._rights = token.encode(), tokens, rights

    def user_of(self, request: web.BaseRequest) -> User:
        """Raises: StatusError (401, 403)."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user = self.holder_of(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise api_errors.unauthorized()
        return self._impersonated(user, request)

    def holder_of(self, token: str, audiences: tuple[str, ...] = (AUDIENCE,)) -> User | None:
        """Whose token it is; None where it is nobody's."""
        if hmac.compare_digest(token.encode(), self._token):
            return users.ADMINISTRATOR
        return self._tokens.user_of(token, audiences)

    def _impersonated(self, user: User, request: web.BaseRequest) -> User:
        name = request.headers.get("Impersonate-User", "")
        groups = tuple(request.headers.getall("Impersonate-Group", ()))
        uid = request.headers.get("Impersonate-Uid", "")
        if not name:
            if groups or uid or any(key.lower().startswith(_EXTRA) for key in request.headers):
                raise api_errors.bad_request("requested impersonation without impersonating a user")
            return user
        self._rights.check_impersonation(user, name, groups)
        return users.impersonated(name, groups, uid)
