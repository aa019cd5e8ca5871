"""The mitigations by name, each in words: what the experiment file, `mitigate` and their help know of them."""

from collections.abc import Sequence

from harness.model.duration import duration

MITIGATIONS = {
    "prestop": "preStop: sleep (Kubernetes >= 1.29)",
    "prestop-exec": "preStop: exec sleep",
    "min-ready": "minReadySeconds",
    "grace": "terminationGracePeriodSeconds",
}
"""A new one is a line here and a file beside `harness/manifests/mitigations/prestop.py`, named after it."""

PURPOSES: dict[str, dict[str, int]] = {
    "internal": {"prestop": 5, "min-ready": 5},
    "external": {"prestop": 30, "min-ready": 30, "grace": 60},
    "unknown": {"prestop": 30, "min-ready": 30, "grace": 60},
}
"""Who calls an application -> the seconds that hold as a rule where nothing was measured: kube-proxy learns of a pod
within a second or two, a cloud's balancer within tens of seconds."""

_HOOKS = ("prestop", "prestop-exec")


def contradiction(asked: Sequence[tuple[str, float]]) -> str:
    """What does not go together among (name, seconds), in words; empty where all does.

    >>> contradiction([("prestop", 5.0), ("prestop-exec", 5.0)])
    'prestop and prestop-exec are two forms of one hook: give either, not both'
    """
    names = [name for name, _ in asked]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        return f"{twice} is given twice: give it once"
    if set(_HOOKS) <= set(names):
        return f"{' and '.join(_HOOKS)} are two forms of one hook: give either, not both"
    seconds = dict(asked)
    hook = next((name for name in _HOOKS if name in seconds), "")
    if hook and "grace" in seconds and seconds["grace"] <= seconds[hook]:
        return (
            f"grace {duration(seconds['grace'])} and {hook} {duration(seconds[hook])} contradict each other: the hook "
            "counts against the grace period, which must be longer"
        )
    return ""
