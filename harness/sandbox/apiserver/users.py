"""Who makes a request -> a name, groups and a uid, as the API server's authenticators tell them.

Source: kubernetes.io/docs/reference/access-authn-authz/authentication.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import web

MASTERS, AUTHENTICATED, UNAUTHENTICATED = "system:masters", "system:authenticated", "system:unauthenticated"
ACCOUNT_PREFIX = "system:serviceaccount:"
_ACCOUNTS = "system:serviceaccounts"
_ANONYMOUS = "system:anonymous"
_KEY = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who asks; `extra` is what a token tells beside it."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def may_do_all(self) -> bool:
        """Whether no rule limits this user."""
        return MASTERS in self.groups

    def info(self) -> dict[str, Any]:
        """As reviews show it: `UserInfo` of authentication.k8s.io."""
        shown: dict[str, Any] = {"username": self.name}
        if self.uid:
            shown["uid"] = self.uid
        if self.groups:
            shown["groups"] = list(self.groups)
        if self.extra:
            shown["extra"] = {key: [value] for key, value in self.extra}
        return shown


# Whoever has the kubeconfig's token, and the sandbox's own parts.
ADMINISTRATOR = User(name="sandbox", groups=(MASTERS, AUTHENTICATED))


def service_account(namespace: str, name: str, uid: str = "", extra: tuple[tuple[str, str], ...] = ()) -> User:
    """The user that a ServiceAccount is."""
    groups = (_ACCOUNTS, f"{_ACCOUNTS}:{namespace}", AUTHENTICATED)
    return User(name=f"{ACCOUNT_PREFIX}{namespace}:{name}", groups=groups, uid=uid, extra=extra)


def account_of(name: str) -> tuple[str, str] | None:
    """The namespace and name of the ServiceAccount that is a user of this name; None for other users."""
    namespace, colon, account = name.removeprefix(ACCOUNT_PREFIX).partition(":")
    return (namespace, account) if name.startswith(ACCOUNT_PREFIX) and colon and ":" not in account else None


def impersonated(name: str, groups: tuple[str, ...], uid: str) -> User:
    """The user that somebody asks to be taken for."""
    account = account_of(name)
    if account is not None and not groups:
        return service_account(*account, uid)
    kept = groups
    if name != _ANONYMOUS and AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        kept = (*groups, AUTHENTICATED)
    return User(name=name, groups=kept, uid=uid)


def user_of(request: web.BaseRequest) -> User:
    """Who makes this request; what comes over the trusted socket comes from the sandbox itself."""
    user: User = request.get(_KEY, ADMINISTRATOR)
    return user


def set_user(request: web.BaseRequest, user: User) -> None:
    """Notes on the request who makes it."""
    request[_KEY] = user
