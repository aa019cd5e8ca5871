"""The mitigations by name, each in words: what the experiment file, `mitigate` and their help know of them."""

MITIGATIONS = {
    "prestop": "preStop: sleep (Kubernetes >= 1.29)",
    "prestop-exec": "preStop: exec sleep",
    "min-ready": "minReadySeconds",
    "grace": "terminationGracePeriodSeconds",
}
"""A new one is a line here and a file beside `harness/manifests/mitigations/prestop.py`, named after it."""
