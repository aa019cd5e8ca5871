"""A value -> whether it is so short or so common that replacing it in other text would hide more than a secret."""

from __future__ import annotations

import ipaddress
import re

from harness.model.observation import MarkType
from harness.model.progress import Phase
from harness.model.request import Outcome
from harness.model.result import Cause, Taker, Verdict
from harness.model.run import Expect, FactSource

SHORTEST = 6
"""Fewer letters turn up in text by chance."""

_WORD = 12
_QUANTITY = re.compile(r"[-+]?[\d.,:_]+\s?(?:[a-zA-Zµ]{1,3}|%)?|(?:\d+(?:\.\d+)?(?:h|m|s|ms|us))+")
_PATH = re.compile(r"(?:/[a-z]{1,11}(?:[-_.][a-z]{1,11}){0,2}){1,4}/?")
_OWN = (Cause, Expect, FactSource, MarkType, Outcome, Phase, Taker, Verdict)
_WORDS = frozenset(
    """
    always application automatic client cluster clusterip completed connection container containers default deployment
    deployments development disabled docker enabled endpoint endpoints failed failure killing kubelet kubernetes latest
    localhost message namespace nodeport normal passed password pending postgres production public readiness redacted
    release rollout root running sandbox secret secrets server service services staging started starting statefulset
    status stopped string succeeded success terminated terminating testing timeout update username value version warning
    """.split()  # noqa: SIM905 - a list of words reads better as words
) | {str(word) for kind in _OWN for word in kind}


def is_common(value: str, *, surely: bool) -> bool:
    """Whether a value is not replaced wherever it turns up.

    `surely`: it stood where only secrets stand (a Secret, a header that authenticates, an argument or a variable whose
    name says so). Of other values, such as of any variable, one short word alone is taken for a setting too, and a path
    of such words: it turns up in the names of files.

    >>> [is_common(value, surely=False) for value in ("true", "10.5Gi", "10.0.0.1:80", "verbose", "verb0se", "a-b-c-d")]
    [True, True, True, True, False, False]
    >>> [is_common(value, surely=False) for value in ("/ready", "/api/health-check", "/9j/4AAQSkZJRg")]
    [True, True, False]
    >>> is_common("verbose", surely=True), is_common("/ready", surely=True)
    (False, False)
    """
    bare = value.strip()
    if len(bare) < SHORTEST or bare.lower() in _WORDS or _QUANTITY.fullmatch(bare) or _is_address(bare):
        return True
    return not surely and ((bare.isalpha() and len(bare) < _WORD) or _PATH.fullmatch(bare) is not None)


def _is_address(text: str) -> bool:
    """An IP address or network, with or without a port."""
    bare = re.sub(r"^\[(.*)\](:\d+)?$|^([\d.]+):\d+$", r"\1\3", text)
    try:
        ipaddress.ip_network(bare, strict=False)
    except ValueError:
        return False
    return True
