"""An object of the API, or a manifest -> the same without what is secret by its place in it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.redaction.forms import HEADER, SENSITIVE, is_sensitive

HARMLESS_HEADERS = frozenset(
    """
    accept accept-charset accept-encoding accept-language cache-control connection content-length content-type host
    pragma user-agent x-forwarded-for x-forwarded-host x-forwarded-proto
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""Of all other headers of a request the value is taken for a secret."""

_MANAGER = ("manager", "operation", "time")
_APPLIED = re.compile(r"(?i)last-applied|applied-config|/(?:applied|original)$").search
_SENSITIVE_KEY = re.compile(rf"(?i).*{SENSITIVE}|{HEADER}").fullmatch
_MACHINE = frozenset(
    """
    apiVersion kind name generateName namespace uid resourceVersion type phase reason status nodeName hostname subdomain
    serviceName serviceAccountName image imageID containerID protocol operator key fieldPath ip podIP hostIP clusterIP
    labels matchLabels selector nodeSelector addresses podIPs hostIPs finalizers ports creationTimestamp
    deletionTimestamp startTime startedAt finishedAt lastTransitionTime firstTimestamp lastTimestamp eventTime
    conditionType port targetPort portName containerName secretName claimName topologyKey appProtocol runtimeClassName
    priorityClassName storageClassName ingressClassName reportingController action
    imagePullPolicy restartPolicy dnsPolicy terminationMessagePolicy terminationMessagePath schedulerName
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""What the judge goes by: names, labels, addresses, words of Kubernetes. They stay, whatever they are equal to."""

_USERS = frozenset(["data", "stringData", "binaryData", "annotations"])
"""Tables whose keys are the user's own, and mean nothing of what they mean elsewhere."""

_TABLES = frozenset(["labels", "matchLabels", "selector", "nodeSelector"])


@dataclass(frozen=True, slots=True)
class Places:
    """Goes through an object. `secret(value, surely)`: what stands in place of a value, which is remembered; `hidden`:
    the same of one that is not; `text`: of a text in which a secret may stand."""

    secret: Callable[[Any, bool], str]
    hidden: Callable[[Any], str]
    text: Callable[[str], str]

    def cleaned(self, node: Any, *, in_hook: bool = False) -> Any:
        """A copy without secrets, and of managedFields only who, how and when."""
        if isinstance(node, str):
            return self.text(node)
        if isinstance(node, list | tuple):
            return [self.cleaned(item, in_hook=in_hook) for item in node]
        if not isinstance(node, dict):
            return node
        kept: dict[str, Any] = {}
        names_secret = isinstance(node.get("name"), str) and bool(is_sensitive(node["name"]))
        for name, value in node.items():
            key = str(name)
            if key == "value" and names_secret and isinstance(value, str):  # a header that a route sets, a setting
                kept[key] = self.secret(value, True)
            elif key != "managedFields":
                kept[key] = self._entry(key, value, node, in_hook=in_hook or key == "lifecycle")
            elif managers := _managers(value):
                kept[key] = managers
        return kept

    def _entry(self, key: str, value: Any, owner: dict[Any, Any], *, in_hook: bool) -> Any:
        if isinstance(value, list | tuple):
            if key == "env":
                return [self._variable(item) for item in value]
            if key == "httpHeaders":
                return [self._header(item) for item in value]
            if key in ("command", "args"):
                return self._words(list(value), readable=in_hook)
        if isinstance(value, dict) and key in _USERS:
            return self._table(key, value, owner)
        if isinstance(value, str) and _SENSITIVE_KEY(key) and key not in _MACHINE:
            return self.secret(value, True)
        if key in _MACHINE and _is_words(value, table=key in _TABLES):
            return value
        return self.cleaned(value, in_hook=in_hook)

    def _table(self, key: str, table: dict[Any, Any], owner: dict[Any, Any]) -> Any:
        """Values under names of the user's own: of a Secret, a ConfigMap, annotations."""
        if owner.get("kind") == "Secret" and key != "annotations":
            encoded = key != "stringData"
            return {str(name): self._of_secret(value, encoded=encoded) for name, value in table.items()}
        if key == "stringData":
            return {str(name): self.secret(value, True) for name, value in table.items()}
        return {str(name): self._named(str(name), value) for name, value in table.items()}

    def _named(self, name: str, value: Any) -> Any:
        if _APPLIED(name):
            self._learn_applied(value)
            return self.hidden(value)
        if isinstance(value, str):
            return self.secret(value, True) if is_sensitive(name) else self.text(value)
        return self.cleaned(value)

    def _learn_applied(self, value: Any) -> None:
        """What is secret in a configuration that was applied is so elsewhere, too."""
        try:
            self.cleaned(json.loads(value))
        except (ValueError, TypeError, RecursionError):
            return

    def _of_secret(self, value: Any, *, encoded: bool) -> str:
        """Equal to the plain value's, so that a Secret and what was made of it look equal."""
        if encoded and isinstance(value, str):
            try:
                return self.secret(base64.b64decode(value, validate=True).decode(), True)
            except (binascii.Error, ValueError):
                pass
        return self.secret(value, True)

    def _variable(self, variable: Any) -> Any:
        if isinstance(variable, dict) and "value" in variable:
            surely = bool(is_sensitive(str(variable.get("name", ""))))
            return self.cleaned(variable) | {"value": self.secret(variable["value"], surely)}
        return self.cleaned(variable)

    def _header(self, header: Any) -> Any:
        if not isinstance(header, dict) or "value" not in header:
            return self.cleaned(header)
        if str(header.get("name", "")).lower() in HARMLESS_HEADERS:
            return self.cleaned(header)
        return self.cleaned(header) | {"value": self.secret(header["value"], True)}

    def _words(self, words: list[Any], *, readable: bool) -> list[Any]:
        """Of a command nothing but `sleep N`; of a hook's, which the judge reads, all but secrets by their form."""
        texts = [word if isinstance(word, str) else None for word in words]
        cleaned = [word if text is None else self.text(text) for word, text in zip(words, texts, strict=True)]
        for at, (first, second) in enumerate(pairwise(texts)):
            if first and second and first.startswith("-"):
                pair = self.text(f"{first} {second}")
                if pair != f"{first} {second}" and pair.startswith(f"{cleaned[at]} "):
                    cleaned[at + 1] = pair[len(str(cleaned[at])) + 1 :]
        if readable or _is_sleep(words):
            return cleaned
        return [self.hidden(word) for word in words]


def names_in(node: Any) -> Iterator[str]:
    """The names, labels and images in an object: what everybody may know, and is not hidden where it turns up."""
    if isinstance(node, list | tuple):
        for item in node:
            yield from names_in(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "env" or key in _USERS:
                continue
            if isinstance(value, str) and key in _MACHINE:
                yield value
            elif key in _TABLES and _is_words(value, table=True):
                yield from map(str, value.values() if isinstance(value, dict) else ())
            else:
                yield from names_in(value)


def _is_words(value: Any, *, table: bool) -> bool:
    """Whether it is a word or a list of words; with `table` a table of them too: labels, the selector of a Service."""
    if isinstance(value, dict):
        return table and not any(isinstance(inner, dict | list) for inner in value.values())
    return not (isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value))


def _managers(entries: Any) -> list[dict[str, Any]]:
    """Who changed an object, how and when, without what."""
    known = entries if isinstance(entries, list) else ()
    return [
        {name: entry[name] for name in _MANAGER if name in entry}
        for entry in known
        if isinstance(entry, dict) and "manager" in entry
    ]


def _is_sleep(command: list[Any]) -> bool:
    return len(command) == 2 and command[0] == "sleep" and str(command[1]).isdigit()
