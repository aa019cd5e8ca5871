"""POST .../serviceaccounts/NAME/token -> a TokenRequest with the token in its status.

Source: kubernetes `pkg/registry/core/serviceaccount/storage/token.go`, `pkg/apis/authentication/validation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors, requests
from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.apiserver.decoding import decoded_as
from harness.sandbox.apiserver.field_errors import FieldErrors
from harness.sandbox.apiserver.reading import answer, encoded
from harness.sandbox.apiserver.resources import PODS, SERVICE_ACCOUNTS, Resource, resource_of
from harness.sandbox.apiserver.tokens import AUDIENCE, Bound

if TYPE_CHECKING:
    from aiohttp import web

    from harness.sandbox.apiserver.registry import Registry
    from harness.sandbox.apiserver.requests import Target
    from harness.sandbox.apiserver.tokens import Tokens

_DEFAULT_S, _LEAST_S, _MOST_S = 3600, 600, 2**32
_KINDS = ("Pod", "Secret")
_TOKEN_REQUESTS = Resource(group="authentication.k8s.io", version="v1", kind="TokenRequest", plural="tokenrequests")


async def token_response(registry: Registry, tokens: Tokens, target: Target, request: web.BaseRequest) -> web.Response:
    """Raises: StatusError (400, 404, 409, 422)."""
    body = await requests.json_body(request, or_protobuf=True)
    wish = decoded_as("AuthenticationV1TokenRequest", "TokenRequest", "v1", {} if body is None else body)
    account = registry.existing(SERVICE_ACCOUNTS, target.namespace, target.name)
    spec = wish.setdefault("spec", {})
    spec.setdefault("audiences", [])
    if not spec["audiences"]:
        spec["audiences"] = [AUDIENCE]
    spec.setdefault("expirationSeconds", _DEFAULT_S)
    _check(spec, target.name)
    bound = _bound(registry, target, spec.get("boundObjectRef"))
    token, ends_s = tokens.made(account.obj, spec["audiences"], spec["expirationSeconds"], bound)
    metadata = {"name": target.name, "namespace": target.namespace, "creationTimestamp": rfc3339(registry.now())}
    status = {"token": token, "expirationTimestamp": rfc3339(ends_s)}
    head = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
    return answer(encoded({**head, "metadata": metadata, "spec": spec, "status": status}), 201)


def _check(spec: dict[str, Any], name: str) -> None:
    errors, seconds = FieldErrors(), spec["expirationSeconds"]
    if seconds < _LEAST_S:
        errors.invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    if seconds > _MOST_S:
        errors.invalid("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")
    if errors.causes:
        raise api_errors.invalid(_TOKEN_REQUESTS, name, errors.causes)


def _bound(registry: Registry, target: Target, reference: dict[str, Any] | None) -> Bound | None:
    if not reference:
        return None
    kind, name = str(reference.get("kind", "")), str(reference.get("name", ""))
    resource = resource_of("v1", kind)
    if kind not in _KINDS or resource is None or reference.get("apiVersion", "v1") != "v1":
        raise api_errors.bad_request(f"cannot bind token for serviceaccount to a {reference.get('apiVersion')}/{kind}")
    stored = registry.existing(resource, target.namespace, name)
    uid = stored.obj["metadata"]["uid"]
    if (asked := reference.get("uid")) and asked != uid:
        why = f"the UID in the bound object reference ({asked}) does not match the UID in record. The object might have been deleted and then recreated"  # noqa: E501
        raise api_errors.conflict(resource, name, why)
    if resource is PODS and stored.obj["spec"].get("serviceAccountName") != target.name:
        raise api_errors.bad_request(
            f'cannot bind token for serviceaccount "{target.name}" to pod running with different serviceaccount name.'
        )
    return Bound(kind, name, uid)
