"""A command -> how it is used: the lines that its `--help` ends with."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "run": (
        "run shop.yaml --dry-run",
        "run shop.yaml --cluster kind --budget failed=0",
        "run shop.yaml --apply-sizing --yes --quiet",
    ),
    "demo": ("demo --quick", "demo --cluster kind --out reports/demo"),
    "watch": ("watch --target deployment/shop -n ci --cluster context:ci",),
    "report": ("report reports/demo", "report /mnt/ci/shop --out reports/again --json"),
    "explain": (
        "explain reports/demo/default",
        "explain reports/demo/default --request new/812",
        "explain reports/demo --cause termination-race --rollout 2",
    ),
    "compare": (
        "compare reports/demo",
        "compare --baseline reports/main reports/pr",
        "compare --power",
    ),
    "check": ("check deploy/", "check - --json", "check --context staging -n shop"),
    "mitigate": (
        "mitigate deploy/shop.yaml --for unknown --output diff",
        "mitigate deploy/shop.yaml --prestop 5s --min-ready 5s",
    ),
    "clean": ("clean --cluster context:staging", "clean --cluster kind --yes"),
    "restore": ("restore reports/shop",),
    "doctor": ("doctor", "doctor --for sandbox --json"),
    "schema": ("schema",),
    "sandbox": ("sandbox up --kubeconfig kubeconfig", "sandbox exec -- curl http://10.96.0.10/", "sandbox down"),
    "trace": ("trace diff real.jsonl sandbox.jsonl",),
}


def epilog(command: str) -> str:
    """The examples of a command, a line each, as typer takes it."""
    return "\n\n".join(["Examples:", *(f"  $ rollout-harness {words}" for words in EXAMPLES[command])])
