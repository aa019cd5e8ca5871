"""The providers of a cluster by name: what the experiment file, `--cluster`, its help and the reports know of them."""

from __future__ import annotations

PROVIDERS = {
    "sandbox": "the sandbox, the cluster embedded in the harness: real processes and packets, on one machine",
    "kind": "kind",
    "k3s": "k3s",
    "context": "the cluster of the kubeconfig's current context",
}
"""Each in the words that follow "Ran on" in a report. A new one is a line here and a file in `harness/clusters/`, named
after it, with `provided` in it. Its settings are a mapping, if `model/cluster_settings.py` has no type for them."""

CONTEXT = "context"
"""The one that is asked for with the name of a context; its file is `harness/clusters/kubeconfig.py`."""

PROTECTED_CONTEXTS = ("*prod*",)
"""Patterns of the contexts that are refused unless it is said otherwise."""


def choices() -> str:
    """What `--cluster` takes, in words: "sandbox, kind, k3s or context:NAME"."""
    return f"{', '.join(name for name in PROVIDERS if name != CONTEXT)} or {CONTEXT}:NAME"


def choices_by_default(provider: str) -> str:
    """The same where one of them is meant without a word: "sandbox (default), kind, k3s or context:NAME"."""
    return choices().replace(provider, f"{provider} (default)", 1)
