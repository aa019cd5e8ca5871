"""What goes wrong with a kind cluster -> a clear word, an error of the right kind, and nothing left behind."""

from __future__ import annotations

from typing import Any

import pytest
from kind_playback import recorded

from harness.clusters.kind import kind_cluster
from harness.clusters.kind_trouble import trouble
from harness.clusters.programs import Ended
from harness.errors import ClusterError, SetupError
from harness.exit_codes import ExitCode

from .test_kind import CREATE, DELETE, NAME, WORKER, World, settings
from .test_kind import world as world

pytestmark = pytest.mark.anyio

PULL = ("kind", "create", "cluster", "--name", "pull", "--wait", "10s")
STOPPED = recorded("kind", "load", "docker-image", "nginx:1.28.0", "--name", NAME, rc=1, said="is not running")
HEAD = 'Creating cluster ...\nERROR: failed to create cluster: command "docker run --name ..." failed with error: '
PORT = (
    f"{HEAD}exit status 125\n\nCommand Output: docker: Error response from daemon: failed to set up container network: "
    "driver failed programming external connectivity on endpoint x: Bind for 127.0.0.1:43243 failed: port is already "
    "allocated\n"
)
TAKEN = (
    f"{HEAD}exit status 125\n\nCommand Output: docker: Error response from daemon: Conflict. The container name "
    f'"/{NAME}-control-plane" is already in use by container "45ad309a1944". You have to remove (or rename) that '
    "container to be able to reuse that name.\n"
)
FULL = f"{HEAD}exit status 125\n\nCommand Output: write /var/lib/docker/overlay2/x: no space left on device\n"
BOOT = f'{HEAD.partition("command")[0]}could not find a log line that matches "Reached target .*Multi-User System.*"\n'

# command, what it ends with, what is said of it, what to do, which commands changed something
TROUBLE: dict[str, tuple[str, dict[str, Any], str, str, list[str]]] = {
    "Docker is not running": (
        "docker info",
        {"stderr": recorded("docker", "info", rc=1)[2]},
        "docker does not answer: Cannot connect to the Docker daemon at unix:///var/run/docker.sock.",
        "Start Docker.",
        [],
    ),
    "Docker is not this user's": (
        "docker info",
        {
            "stderr": "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock\n"
        },
        "docker does not answer: permission denied",
        "use sudo",
        [],
    ),
    "kind is too old": (
        "kind version",
        {"rc": 0, "stdout": "kind v0.20.0 go1.20.4 linux/amd64\n"},
        "kind v0.20.0 go1.20.4 linux/amd64 is too old, v0.27.0 or newer is needed",
        "See https://kind.sigs.k8s.io",
        [],
    ),
    "Docker stops while clusters are listed": (
        "kind get clusters",
        {"stderr": recorded("kind", "get", "clusters", rc=1, said="Cannot connect")[2]},
        "Cannot connect to the Docker daemon",
        "Start Docker.",
        [],
    ),
    "the node image is not here": (
        "kind create cluster",
        {"stderr": recorded(*PULL, rc=1)[2]},
        "no such host",
        "name one that is there: `nodeImage`",
        [CREATE, DELETE],
    ),
    "a port is taken": (
        "kind create cluster",
        {"stderr": PORT},
        "43243 failed: port is",
        "run it again",
        [CREATE, DELETE],
    ),
    "a container has the name": (
        "kind create cluster",
        {"stderr": TAKEN},
        "is already in use",
        "Remove it",
        [CREATE, DELETE],
    ),
    "the disk is full": (
        "kind create cluster",
        {"stderr": FULL},
        "no space left",
        "docker system df",
        [CREATE, DELETE],
    ),
    "half of it is left": (
        "kind create cluster",
        {"stderr": BOOT, "leaves": True},
        "could not find a log line",
        "inotify",
        [CREATE, DELETE],
    ),
    "somebody else was faster": (
        "kind create cluster",
        {"appears": True},
        "node(s) already exist for a cluster with the name",
        "run it again to use it",
        [CREATE],
    ),
}


@pytest.mark.parametrize("case", TROUBLE)
async def test_a_cluster_that_does_not_come_up_is_told_and_nothing_is_left(world: World, case: str) -> None:
    command, ends, seen, do, did = TROUBLE[case]
    world.playback.trouble(command, **ends)
    with pytest.raises(SetupError) as failed:
        async with kind_cluster(settings(), WORKER):
            pytest.fail("there is no cluster")
    assert seen in failed.value.seen
    assert do in failed.value.do
    assert failed.value.exit_code is ExitCode.USAGE
    assert world.did() == did
    assert list(world.playback.clusters) == ([NAME] if ends.get("appears") else [])


async def test_one_that_is_half_made_is_told_and_left_to_who_made_it(world: World) -> None:
    world.playback.has(NAME, whole=False)
    with pytest.raises(ClusterError) as failed:
        async with kind_cluster(settings(), WORKER):
            pytest.fail("it is half made")
    assert str(failed.value) == (
        f"using kind cluster {NAME}: it is half made or stopped: could not locate any control plane nodes for cluster "
        f"named '{NAME}'. Use the --name option to select a different cluster. "
        f"Remove it: kind delete cluster --name {NAME}."
    )
    assert world.did() == []


IMAGE_TROUBLE = {
    "a node is stopped": ("kind load image-archive", STOPPED[2], "is not running", "docker start"),
    "the disk of a node is full": (
        "kind load image-archive",
        "ERROR: failed to load image: command failed with error: exit status 1\n\nCommand Output: ctr: write: "
        "no space left on device\n",
        "no space left on device",
        "docker system df",
    ),
    "the disk of this machine is full": (
        "docker image save",
        "write /tmp/x/image.tar: no space left on device\n",
        "no space left on device",
        "docker system df",
    ),
    "it is here for another platform": (
        "docker image save",
        recorded("docker", "image", "save", "--platform", "linux/arm64", "-o", "<tmp>", "nginx:1.28.0", rc=1)[2],
        "no suitable export target found for platform linux/arm64",
        "pull it for this one",
    ),
}


@pytest.mark.parametrize("case", IMAGE_TROUBLE)
async def test_an_image_that_cannot_be_put_on_the_nodes_ends_the_run_before_anything_is_rolled(
    world: World, case: str
) -> None:
    command, stderr, seen, do = IMAGE_TROUBLE[case]
    world.playback.trouble(command, stderr=stderr)
    with pytest.raises(ClusterError) as failed:
        async with kind_cluster(settings(), WORKER) as cluster:
            await cluster.bring(("nginx:1.28.0",))
    assert seen in failed.value.seen
    assert do in failed.value.do
    assert world.playback.clusters == {}


async def test_an_image_that_was_loaded_and_is_not_in_the_node_is_told(world: World) -> None:
    world.playback.trouble("kind load image-archive", rc=0)  # as Podman's, under another name
    with pytest.raises(ClusterError, match=r"it was loaded, and not every node has an image of that name"):
        async with kind_cluster(settings(), WORKER) as cluster:
            await cluster.bring(("nginx:1.28.0",))


async def test_what_cannot_be_removed_is_told_with_the_command_that_does(world: World) -> None:
    told = recorded("kind", "delete", "cluster", "--name", "x", rc=1)[2]
    with pytest.raises(ClusterError) as failed:
        async with kind_cluster(settings(), WORKER):
            world.playback.trouble("kind delete cluster", stderr=told)
    assert failed.value.do == f"Remove it: kind delete cluster --name {NAME}."
    assert "Cannot connect to the Docker daemon" in failed.value.seen


def test_words_that_are_not_known_are_given_as_they_are() -> None:
    ended = Ended(
        command=("kind", "get", "nodes", "--name", "x"), code=3, stdout="", stderr="ERROR: the moon is full\n"
    )
    assert str(trouble(ended)) == (
        "running `kind get nodes --name`: it ended with 3: the moon is full. "
        "See https://kind.sigs.k8s.io/docs/user/known-issues."
    )
