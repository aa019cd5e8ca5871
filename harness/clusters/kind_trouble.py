"""What kind, Docker or Podman said as they failed -> an error that says what is wrong, and what to do.

The words are those of kind's and Docker's sources, recorded from real failures where there were any; the cures are from
https://kind.sigs.k8s.io/docs/user/known-issues.
"""

from __future__ import annotations

from harness.clusters.docker_words import OF_THE_MACHINE, REACH, Sign, cure
from harness.clusters.programs import Ended
from harness.errors import ClusterError

ALREADY_THERE = "already exist for a cluster with the name"
"""kind found nodes of that name as it began: somebody else's, which it leaves alone (pkg/cluster/internal/create)."""

_KNOWN_ISSUES = "See https://kind.sigs.k8s.io/docs/user/known-issues."

_SIGNS: tuple[Sign, ...] = (
    (r"Cannot connect to the Docker daemon|error during connect|[Ii]s the docker daemon running", "Start Docker."),
    (r"permission denied while trying to connect", REACH),
    (r"Cannot connect to Podman", "Start Podman's service (podman machine start, or its socket)."),
    (ALREADY_THERE, "Somebody else has just made it: run it again to use it, or give it another name."),
    (r"is already in use by container|the container name .* is already in use", "Remove it, or use another name."),
    (
        r"failed to pull image|pull access denied|manifest unknown",
        "Put the node image on this machine, or name one that is there: `nodeImage` in the settings, "
        "--node-image of scripts/kind-up.sh.",
    ),
    (r"content digest sha256:\w+: not found", "The image is here for another platform only: pull it for this one."),
    (r"no suitable export target found for platform", "The image is here for another platform: pull it for this one."),
    (r"could not find a log line that matches", f"The node did not boot (inotify limits?). {_KNOWN_ISSUES}"),
    *OF_THE_MACHINE,
    (r"requires cgroup v2|Delegate=yes", "See https://kind.sigs.k8s.io/docs/user/rootless."),
    (r"non-overlapping", "Docker has no network left: docker network prune, or `default-address-pools`."),
    (r"executable file not found", "Install Docker or Podman: https://docs.docker.com/engine/install."),
    (r"container \w+ is not running", "Start the node (docker start NAME), or remove the cluster and run it again."),
)


def trouble(ended: Ended, do: str = "") -> ClusterError:
    """The error of a program that failed. `do`: what to do where its words are not known."""
    what_to_do = cure(ended.stderr, _SIGNS, otherwise=do or _KNOWN_ISSUES)
    return ClusterError(ended.tried, f"it ended with {ended.code}: {said(ended.stderr)}", what_to_do)


def said(stderr: str) -> str:
    """The line that tells most: the last of a failed command's output, which kind gives last; else its own ERROR.

    >>> said("Creating ...\\nERROR: no: exit status 1\\n\\nCommand Output: starting\\nno space left on device\\n")
    'no space left on device'
    >>> said("ERROR: failed to list clusters: it is missing\\n\\nCommand Output: \\n")
    'failed to list clusters: it is missing'
    """
    before, _, output = stderr.partition("\nCommand Output: ")
    inner = [line.strip() for line in output.splitlines() if line.strip()]
    if inner and not inner[-1].startswith("{"):
        return inner[-1]
    outer = [line.strip() for line in before.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in outer if line.startswith("ERROR: ")]
    return (errors or outer or ["it printed nothing"])[-1]
