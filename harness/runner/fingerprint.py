"""An experiment as it was read -> digests of what it says, by key: whether another one says the same.

What is secret does not go in: what the door knows of, headers whose values are kept elsewhere, certificates with their
keys. So a token that was renewed is no other experiment. All else is salted and stretched (scrypt, RFC 7914), as a body
may hold what nobody knows to be secret.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import ExperimentError
from harness.inputs.files import file_bytes
from harness.model.experiment import Experiment
from harness.redaction import door, without_digests

_ELSEWHERE = ("version", "name", "manifests", "cluster", "namespace", "rollouts")
"""Compared by what the run directory has of them."""

_OF_THE_WATCH = ("rollout_timeout", "abort_if", "abort", "protected_contexts", "allow_methods")
"""When to give up, and what is allowed: nothing that a rollout which was measured whole depends on."""

_KEPT_SECRET = ("headers", "certificate", "key")
_SALT = "salt"


def fingerprint(experiment: Experiment, salt: str = "") -> dict[str, str]:
    """By key of the experiment a digest of its value, and the salt; of what is as it is without being said, nothing."""
    salt = salt or secrets.token_hex(16)
    said = experiment.model_dump(by_alias=True, exclude_defaults=True)
    kept = {name: value for name, value in said.items() if name not in (*_ELSEWHERE, *_OF_THE_WATCH)}
    return {_SALT: salt} | {name: _digest(value, salt) for name, value in sorted(kept.items())}


def otherwise(experiment: Experiment, before: Mapping[str, str]) -> Iterator[str]:
    """The keys of which the experiment says something else than the one `before`, of which nothing may be known."""
    if not before.get(_SALT):
        return
    now = fingerprint(experiment, before[_SALT])
    for name in sorted({*now, *before}):
        if now.get(name) != before.get(name):
            yield name


def _digest(value: Any, salt: str) -> str:
    text = without_digests(door().text(json.dumps(_read(value), sort_keys=True, default=str)))
    return hashlib.scrypt(text.encode(), salt=salt.encode(), n=1 << 10, r=8, p=1, dklen=16).hex()


def _read(value: Any, key: str = "", within: str = "") -> Any:
    """With what files hold in their places, but for those that are kept apart as they are secret."""
    if isinstance(value, Mapping):
        return {str(name): _read(inner, str(name), key) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_read(inner, key, within) for inner in value]
    if not isinstance(value, Path):
        return value
    if {key, within} & {*_KEPT_SECRET} or key == "file":
        return "a file"
    if value.is_dir():  # where a command runs
        return str(value)
    held = file_bytes(value, error=ExperimentError)
    try:
        return held.decode()  # the door knows secrets in text
    except UnicodeDecodeError:
        return base64.b64encode(held).decode()
