"""Settings -> k3s in a container (testcontainers): the way to its API, images for its node, its log, its end.

Every method blocks, and runs in a thread. testcontainers' own wait is not used: it looks for a line of k3s' log, where
the node's condition tells more. Sources: https://docs.k3s.io/cli/server,
https://docs.k3s.io/advanced#running-k3s-in-docker, https://testcontainers-python.readthedocs.io.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any
from uuid import uuid4

import anyio.from_thread
from ruamel.yaml import YAML

from harness.clusters.k3s_trouble import trouble
from harness.errors import ClusterError
from harness.model.duration import duration
from harness.model.k3s_settings import K3sSettings

_KUBECONFIG = "/etc/rancher/k3s/k3s.yaml"
_API_PORT = 6443
_ARCHIVE = "rollout-harness-image.tar"
_JOINS = "K3S_URL"
"""testcontainers sets it; to `k3s server` it means another server, which is to be joined."""


def arguments(settings: K3sSettings, host: str) -> list[str]:
    """The command line of `k3s`, with the name by which this machine reaches it.

    >>> arguments(K3sSettings(), "localhost")
    ['server', '--tls-san=localhost', '--disable=traefik']
    """
    proxy, words = settings.proxy, ["server", f"--tls-san={host}"]
    words += [f"--disable={component}" for component in settings.disable]
    if "mode" in proxy.model_fields_set:
        words.append(f"--kube-proxy-arg=proxy-mode={proxy.mode}")
    # Of ipvs the default is not 1s with every version of Kubernetes, and so is given.
    if "min_sync_period_s" in proxy.model_fields_set or proxy.mode == "ipvs":
        words.append(f"--kube-proxy-arg={proxy.mode}-min-sync-period={duration(proxy.min_sync_period_s)}")
    return words


def fresh_name() -> str:
    """A container's name that no other has."""
    return f"rollout-harness-k3s-{uuid4().hex[:8]}"


@contextmanager
def _told(tried: str) -> Iterator[None]:
    """The errors of docker, of what carries it, and of testcontainers, in words."""
    from docker.errors import DockerException
    from testcontainers.core.exceptions import ContainerConnectException, ContainerStartException
    from urllib3.exceptions import HTTPError

    theirs = (DockerException, HTTPError, ContainerConnectException, ContainerStartException)
    try:
        yield
    except (*theirs, OSError) as error:  # of requests all are OSErrors
        raise trouble(tried, str(getattr(error, "explanation", None) or error) or type(error).__name__) from error


class K3sContainer:
    """The container, from before there is an image for it."""

    def __init__(self, settings: K3sSettings) -> None:
        """Raises SetupError: Docker does not answer."""
        from testcontainers.community.k3s import K3SContainer

        self._settings, self.name = settings, fresh_name()
        with _told("looking for Docker, in which k3s is to run"):
            container = K3SContainer(settings.image)
            container.with_command(arguments(settings, container.get_container_host_ip())).with_name(self.name)
        container.env.pop(_JOINS, None)
        self._container = container
        self._client = container.get_docker_client().client

    @property
    def removal(self) -> str:
        """The command that removes it by hand."""
        return f"docker rm --force --volumes {self.name}"

    def pull(self, tell: Callable[[str], None]) -> None:
        """Have the image on this machine; ends when whoever waits for it is cancelled.

        Raises:
            SetupError: it is not here and cannot be pulled.
        """
        self._pull(self._settings.image, tell)

    def _pull(self, image: str, tell: Callable[[str], None]) -> None:
        from docker.errors import ImageNotFound
        from docker.utils import parse_repository_tag

        with _told(f"pulling {image}"):
            with suppress(ImageNotFound):
                self._client.images.get(image)
                return
            tell(f"pulling {image}")
            repository, tag = parse_repository_tag(image)
            failed = None
            for step in self._client.api.pull(repository, tag=tag or "latest", stream=True, decode=True):
                anyio.from_thread.check_cancelled()
                failed = step.get("error", failed)
            if failed is not None:
                raise trouble(f"pulling {image}", str(failed))

    def start(self, tell: Callable[[str], None]) -> None:
        """Create it and start it. `tell` hears where nothing would remove it after a `kill -9`.

        Raises:
            SetupError: Docker refuses it.
        """
        from testcontainers.core.config import testcontainers_config
        from testcontainers.core.container import DockerContainer

        watched = not self._settings.keep and not testcontainers_config.ryuk_disabled and self._reaper()
        before = testcontainers_config.ryuk_disabled
        testcontainers_config.ryuk_disabled = not watched
        try:
            with _told(f"starting {self._settings.image}"):
                DockerContainer.start(self._container)
        finally:
            testcontainers_config.ryuk_disabled = before
        if not watched and not self._settings.keep:
            tell(f"k3s runs in container {self.name}; should this harness be killed, it stays until {self.removal}")

    def _reaper(self) -> bool:
        """Whether testcontainers' own container, which removes ours when this process is gone, runs."""
        from testcontainers.core.config import testcontainers_config
        from testcontainers.core.container import Reaper

        try:
            self._pull(testcontainers_config.ryuk_image, lambda _: None)
            Reaper.get_instance()
        except Exception:  # it is a comfort: without it k3s starts all the same, and that is told
            with suppress(Exception):
                Reaper.delete_instance()
            return False
        return True

    def kubeconfig(self) -> dict[str, Any] | None:
        """How this machine reaches its API; None before k3s has written it.

        Raises:
            SetupError: the container has ended.
        """
        from docker.errors import NotFound

        tried = f"starting k3s in container {self.name}"
        with _told(tried):
            self._container.reload()
            if self._container.status in ("exited", "dead"):
                lines = self._container.get_wrapped_container().logs(tail=20).decode(errors="replace").splitlines()
                last = next((line for line in reversed(lines) if line.strip()), "it logged nothing")
                raise trouble(tried, f"it has ended: {last}", "Its log says why.")
            try:
                # As a file: what is executed loses its first words where they come with the answer's head
                # (docker-py reads past its own buffer).
                packed, _ = self._container.get_wrapped_container().get_archive(_KUBECONFIG)
            except NotFound:
                return None
            with tarfile.open(fileobj=io.BytesIO(b"".join(packed))) as archive:
                file = archive.extractfile(_KUBECONFIG.rpartition("/")[2])
                found = YAML(typ="safe", pure=True).load(file.read() if file is not None else b"")
            host, port = self._container.get_container_host_ip(), self._container.get_exposed_port(_API_PORT)
        if not isinstance(found, dict) or not found.get("clusters"):  # it is only being written
            return None
        for each in found["clusters"]:
            each["cluster"]["server"] = f"https://{host}:{port}"
        return found

    def put(self, image: str) -> bool:
        """Put an image of this machine on the node; False where this machine has it not.

        Raises:
            SetupError: it cannot be put there.
        """
        from docker.errors import ImageNotFound

        tried = f"putting {image} on the node of k3s in container {self.name}"
        with _told(tried):
            try:
                here = self._client.images.get(image)
            except ImageNotFound:
                return False
            there = self._container.exec(["crictl", "inspecti", image])
            if there.exit_code == 0 and here.id.encode() in there.output:
                return True
            with tempfile.TemporaryFile() as archive:
                for chunk in self._client.api.get_image(image):
                    anyio.from_thread.check_cancelled()
                    archive.write(chunk)
                self._hand_over(archive)
            platform = f"{here.attrs.get('Os', 'linux')}/{here.attrs['Architecture']}"
            # Of one platform: of an image of several Docker may have saved only this machine's.
            imported = self._container.exec(["ctr", "images", "import", "--platform", platform, f"/tmp/{_ARCHIVE}"])
            self._container.exec(["rm", "-f", f"/tmp/{_ARCHIVE}"])
            if imported.exit_code:
                raise trouble(
                    tried, imported.output.decode(errors="replace"), "loadImages: false leaves it to the node."
                )
            if self._container.exec(["crictl", "inspecti", image]).exit_code:
                raise trouble(
                    tried,
                    "it was imported, and the node has no image of that name",
                    "Name it in the manifest as it is named here: docker image ls.",
                )
        return True

    def _hand_over(self, archive: IO[bytes]) -> None:
        with tempfile.TemporaryFile() as outer:
            entry = tarfile.TarInfo(_ARCHIVE)
            entry.size = archive.tell()
            archive.seek(0)
            with tarfile.open(fileobj=outer, mode="w") as packed:
                packed.addfile(entry, archive)
            outer.seek(0)
            self._container.get_wrapped_container().put_archive("/tmp", outer)

    def log(self) -> bytes:
        """All that k3s has said."""
        with _told(f"reading the log of container {self.name}"):
            said: bytes = self._container.get_wrapped_container().logs()
        return said

    def close(self) -> None:
        """Let go of Docker."""
        self._client.close()

    def remove(self) -> None:
        """Remove it with its volumes; what is gone already is well.

        Raises:
            ClusterError: it is still there; says what removes it.
        """
        from docker.errors import DockerException, NotFound

        try:
            with suppress(NotFound):
                self._container.stop()
        except (DockerException, OSError) as error:
            seen = " ".join(str(error).split())
            raise ClusterError(f"removing k3s in container {self.name}", seen, f"Remove it: {self.removal}.") from error
