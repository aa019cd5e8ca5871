"""Why a call of the API got no answer -> an error for people: which hop failed, and what to look at."""

from __future__ import annotations

import asyncio

import aiohttp

from harness.kube.errors import NoAnswer

_DO = "Is the cluster up, and is this the right context?"


def no_answer(tried: str, error: BaseException, server: str, proxy: str | None) -> NoAnswer:
    """The error for a connection that was not made, or broke; `proxy`: the HTTP proxy on the way."""
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        seen = f"the HTTP proxy {proxy} does not let it through ({error})"
        return NoAnswer(tried, seen, f"Put {server.rpartition(':')[0] or server} into NO_PROXY, or mend HTTPS_PROXY.")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        seen = f"the name {error.host} does not resolve ({error.os_error.strerror or error.os_error})"
        return NoAnswer(tried, seen, "Is the context right, and is this machine in the network that knows the name?")
    seen = "no answer in time" if isinstance(error, asyncio.TimeoutError) else f"no answer ({error})"
    return NoAnswer(tried, seen, _DO if proxy is None else f"{_DO} It goes through the proxy {proxy}.")
