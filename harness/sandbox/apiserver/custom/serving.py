"""A stored object and the version that is asked for -> the object in that version, and what is said with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors, events
from harness.sandbox.apiserver.resources import MODERN_EVENTS
from harness.sandbox.apiserver.store import freeze

if TYPE_CHECKING:
    from aiohttp import web

    from harness.sandbox.apiserver.requests import Target
    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Stored


def in_version(resource: Resource, stored: Stored) -> Stored:
    """The object as `resource` serves it: under its apiVersion, pruned and defaulted by its schema as it is now."""
    if resource is MODERN_EVENTS:
        return freeze(resource, events.modern(stored.copy()), stored.version)
    if resource.custom is None or stored.resource is resource:
        return stored
    obj, _ = resource.custom.pruned(stored.copy())
    return freeze(resource, resource.custom.defaulted(obj), stored.version)


def check_convertible(target: Target) -> None:
    """Another version than the stored one needs its definition's webhook, which nobody calls here.

    Raises: StatusError (500), as the real API answers where a webhook cannot be reached.
    """
    resource, custom = target.resource, target.resource.custom
    if custom is not None and custom.webhook and resource.version != custom.storage:
        stored = f"{resource.group}/{custom.storage}"
        why = (
            f"conversion webhook for {stored}, Kind={resource.kind} failed: the sandbox calls no webhooks; "
            f"use {stored}, the stored version"
        )
        raise api_errors.StatusError(500, "InternalError", f"Internal error occurred: {why}")


def told_of_age(target: Target, response: web.StreamResponse) -> web.StreamResponse:
    """The response, with a warning where the version that was asked for is deprecated."""
    custom = target.resource.custom
    if custom is not None and custom.deprecation and not response.prepared:
        response.headers.add("Warning", f'299 - "{custom.deprecation}"')
    return response
