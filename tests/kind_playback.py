"""Recordings of the real kind, Docker and kubectl -> programs of these names that answer as those did.

They know clusters, nodes and images by a state on disk, and say what the recordings say (tests/playback/kind.jsonl);
what is not in them is in kind's or Docker's documentation, below with where. Any other command or flag is a failure: it
ends with 97, and `Playback.unexpected` has it. Where a cluster is made, an API is: of a kubeconfig, or of a sandbox.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).parent / "playback" / "kind.jsonl"
UNEXPECTED = 97

# Flags with a value and without one (ending in "!"), by kind's source (pkg/cmd/kind) and docs.docker.com/reference/cli.
FLAGS = {
    "kind version": "",
    "kind get clusters": "",
    "kind get nodes": "--name --all-clusters!",
    "kind create cluster": "--name --config --image --retain! --wait --kubeconfig",
    "kind delete cluster": "--name --kubeconfig",
    "kind export kubeconfig": "--name --kubeconfig --internal!",
    "kind export logs": "--name",
    "kind load image-archive": "--name --nodes",
    "docker -v": "",
    "docker info": "--format",
    "docker version": "--format",
    "docker image inspect": "-f --format",
    "docker image save": "--platform",
    "docker build": "--quiet! --tag",
    "docker exec": "--privileged!",
    "podman -v": "",
    "podman info": "--format",
    "podman image inspect": "-f --format",
    "podman image save": "",
    "podman build": "--quiet! --tag",
    "podman exec": "--privileged!",
    "nerdctl -v": "",
    "kubectl wait": "--context --for --all! --timeout",
    "kubectl rollout status": "--context -n --timeout",
    "kubectl get": "--context -n -o --ignore-not-found!",
}
Answer = tuple[int, str, str]


class Playback:
    """A folder of programs, what they were called with, and what they know."""

    def __init__(self, folder: Path, programs: str = "kind docker kubectl", **state: Any) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        site = next(place for place in sys.path if place.endswith("site-packages"))
        for program in programs.split():
            file = folder / program
            file.write_text(
                f"#!{sys.executable} -IS\nimport sys\nsys.path[:0] = {[str(Path(__file__).parent), site]!r}\n"
                f"import kind_playback\nsys.exit(kind_playback.main({str(folder)!r}, {program!r}))\n"
            )
            file.chmod(0o755)
        here = {name: digest(name) for name in ("nginx:1.28.0", "nginx:1.29.1")}
        (folder / "state").write_text(json.dumps({"clusters": {}, "here": here, "trouble": {}, **state}))

    @property
    def path(self) -> str:
        """For PATH: with nothing else on it but what a shell script needs."""
        return f"{self.folder}:/usr/bin:/bin:/usr/sbin:/sbin"

    @property
    def calls(self) -> list[str]:
        """How they were called, in order; where temporary files lie is left out."""
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [re.sub(r"/\S*/(kubeconfig|image(\.tar)?|config)\b", r"<tmp>", line) for line in lines]

    @property
    def unexpected(self) -> list[str]:
        """What was called that is neither recorded nor documented."""
        return [line for line in self.calls if line.startswith("unexpected: ")]

    @property
    def clusters(self) -> dict[str, Any]:
        """By name: nodes, their images, whether it is whole."""
        clusters: dict[str, Any] = json.loads((self.folder / "state").read_text())["clusters"]
        return clusters

    def trouble(self, command: str, **what: Any) -> None:
        """From now on a command fails: `rc`, `stderr`; `leaves`: nodes stay; `hangs`: it does not end by itself."""
        with _state(self.folder) as state:
            state["trouble"][command] = what

    def has(
        self, name: str, nodes: int = 1, *, whole: bool = True, proxy: tuple[str, str] = ("iptables", "1s")
    ) -> None:
        """There is a cluster of that name. `proxy`: its mode and minSyncPeriod."""
        with _state(self.folder) as state:
            state["clusters"][name] = _cluster(name, nodes, whole, proxy)


def digest(image: str) -> str:
    """Of an image on this machine: as it was recorded, or one of its own."""
    recorded = {"nginx:1.28.0": "faf6f703067decf790f04cbe21f2dbb9b9934f5bb367df33daec623571c37bb9"}
    return f"sha256:{recorded.get(image) or image.encode().hex().ljust(64, '0')[:64]}"


def main(folder: str, program: str) -> int:
    """One command: note it, answer it."""
    code, out, err = answered(Path(folder), [program, *sys.argv[1:]], lambda: sys.stdin.buffer.read())
    sys.stdout.write(out)
    sys.stderr.write(err)
    return code


def answered(place: Path, argv: list[str], stdin: Callable[[], bytes]) -> Answer:
    """The same in the process of the caller."""
    found = _read(argv)
    with (place / "calls").open("a") as calls:
        calls.write(f"{'' if found else 'unexpected: '}{' '.join(argv)}\n")
    if found is None:
        return UNEXPECTED, "", f"{' '.join(argv)}: neither recorded nor documented\n"
    return _Programs(place, stdin).answer(*found)


def _read(argv: list[str]) -> tuple[str, list[str], dict[str, str]] | None:
    """The command, its arguments and flags; None where one of them is unknown."""
    words, flags, rest = [], {}, argv[1:]
    flagged = {each.rstrip("!"): each.endswith("!") for known in FLAGS.values() for each in known.split()}
    while rest:
        word, _, value = (one := rest.pop(0)).partition("=")
        if (words[:1] == ["exec"] and len(words) > 1) or one in ("-v", "-"):
            words.append(one)
        elif word in flagged:
            flags[word] = value or ("" if flagged[word] else rest.pop(0))
        elif one.startswith("-"):
            return None
        else:
            words.append(one)
    for command, known in FLAGS.items():
        head = command.split()
        if [argv[0], *words][: len(head)] == head and flags.keys() <= {each.rstrip("!") for each in known.split()}:
            return command, words[len(head) - 1 :], flags
    return None


@contextmanager
def _state(folder: Path) -> Iterator[dict[str, Any]]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state: dict[str, Any] = json.loads((folder / "state").read_text())
        yield state
        (folder / "new").write_text(json.dumps(state))
        (folder / "new").rename(folder / "state")


def _cluster(name: str, nodes: int, whole: bool, proxy: tuple[str, str] = ("iptables", "1s")) -> dict[str, Any]:
    names = [f"{name}-control-plane", *(f"{name}-worker{number if number > 1 else ''}" for number in range(1, nodes))]
    return {"nodes": names, "whole": whole, "images": {node: {} for node in names}, "proxy": proxy}


def recorded(*argv: str, rc: int = 0, said: str = "") -> Answer:
    """What the real one said to this, the first time that it ended with `rc` and said that."""
    for line in RECORDINGS.read_text().splitlines():
        one = json.loads(line)
        if one["argv"] == list(argv) and one["rc"] == rc and said in one["stdout"] + one["stderr"]:
            return one["rc"], one["stdout"], one["stderr"]
    raise LookupError(f"{argv} with {rc} is not recorded")


def _named(answer: Answer, old: str, new: str) -> Answer:
    return answer[0], answer[1].replace(old, new), answer[2].replace(old, new)


class _Programs:
    """The programs over their state."""

    def __init__(self, folder: Path, stdin: Callable[[], bytes]) -> None:
        self._folder, self._stdin = folder, stdin

    def answer(self, command: str, words: list[str], flags: dict[str, str]) -> Answer:
        with _state(self._folder) as state:
            trouble = state["trouble"].get(command)
        if trouble is not None and not command.startswith("kind create"):
            return self._failed(trouble)
        program, *rest = command.split()
        name = "docker" if program in ("podman", "nerdctl") else program
        method = getattr(self, "_".join([name, *(word.replace("-", "_") for word in rest)]))
        answer: Answer = method(words, flags) if name == "kind" else method(program, words, flags)
        return answer

    def _failed(self, trouble: dict[str, Any]) -> Answer:
        for _ in range(1200 if trouble.get("hangs") else 0):  # for a signal; bounded
            time.sleep(0.1)
        return trouble.get("rc", 1), trouble.get("stdout", ""), trouble.get("stderr", "")

    # kind
    def kind_version(self, _: list[str], __: dict[str, str]) -> Answer:
        return recorded("kind", "version")

    def kind_get_clusters(self, _: list[str], __: dict[str, str]) -> Answer:
        with _state(self._folder) as state:
            names = sorted(state["clusters"])
        if not names:
            return recorded("kind", "get", "clusters", said="No kind clusters found.")
        return _named(recorded("kind", "get", "clusters", said="rollout-harness"), "rollout-harness", "\n".join(names))

    def kind_get_nodes(self, _: list[str], flags: dict[str, str]) -> Answer:
        with _state(self._folder) as state:
            found = state["clusters"].get(flags["--name"], {"nodes": []})["nodes"]
        if not found:
            return _named(recorded("kind", "get", "nodes", "--name", "nowhere"), "nowhere", flags["--name"])
        return 0, "".join(f"{node}\n" for node in found), ""

    def kind_create_cluster(self, _: list[str], flags: dict[str, str]) -> Answer:
        name, text = flags["--name"], self._stdin().decode()
        (self._folder / f"{name}.yaml").write_text(text)
        nodes = text.count("- role:")
        with _state(self._folder) as state:
            trouble = state["trouble"].get("kind create cluster")
            if name in state["clusters"] or (trouble and trouble.get("appears")):
                state["clusters"].setdefault(name, _cluster(name, 1, True))
                there = recorded("kind", "create", "cluster", "--name", "rollout-harness", rc=1)
                return _named(there, "rollout-harness", name)
            if trouble is None or trouble.get("hangs") or trouble.get("leaves"):
                proxy = [re.search(rf"{key}: (\w+)", text) for key in ("kubeProxyMode", "minSyncPeriod")]
                state["clusters"][name] = _cluster(name, nodes, False, tuple(each[1] if each else "" for each in proxy))
        if trouble is not None:
            return self._failed(trouble)
        self._write_kubeconfig(name, flags.get("--kubeconfig"), self._api(name, text))
        with _state(self._folder) as state:
            state["clusters"][name]["whole"] = True
        create = ("kind", "create", "cluster", "--name", "rollout-harness", "--config", "-", "--wait", "180s")
        return _named(recorded(*create), "rollout-harness", name)

    def _api(self, name: str, text: str) -> dict[str, Any]:
        """The kubeconfig of what answers as this cluster."""
        with _state(self._folder) as state:
            given = state.get("kubeconfig")
        if given is not None:
            return dict(given)
        import yaml

        config = yaml.safe_load(text)
        mode = config["networking"]["kubeProxyMode"]
        period = yaml.safe_load(config["kubeadmConfigPatches"][0])[mode]["minSyncPeriod"]
        file = self._folder / f"{name}.kubeconfig"
        up = ("sandbox", "up", "--name", self._sandbox(name), "--kubeconfig", str(file), "--min-sync-period", period)
        subprocess.run([*_harness(), *up], check=True, timeout=100, stdout=subprocess.DEVNULL)
        _, shown, _ = recorded("kubectl", "-n", "kube-system", "get", "configmap", "kube-proxy", "-o", "yaml")
        config_map = yaml.safe_load(shown)
        there = yaml.safe_load(config_map["data"]["config.conf"])
        there["mode"], there[mode]["minSyncPeriod"] = mode, period
        config_map["metadata"] = {"name": "kube-proxy", "namespace": "kube-system"}
        config_map["data"]["config.conf"] = yaml.safe_dump(there)
        kubectl = str(Path(sys.executable).parent / "kubectl")
        command = [kubectl, "--kubeconfig", str(file), "apply", "--server-side", "--force-conflicts", "-f", "-"]
        subprocess.run(
            command, check=True, timeout=200, input=json.dumps(config_map).encode(), stdout=subprocess.DEVNULL
        )
        found: dict[str, Any] = json.loads(file.read_text())
        return found

    def _sandbox(self, name: str) -> str:
        return f"{name}-{self._folder.stat().st_ino}"

    def _write_kubeconfig(self, name: str, path: str | None, config: dict[str, Any]) -> None:
        context = {**config["contexts"][0], "name": f"kind-{name}"}
        file = Path(path or os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({**config, "contexts": [context], "current-context": f"kind-{name}"}))

    def kind_delete_cluster(self, _: list[str], flags: dict[str, str]) -> Answer:
        with _state(self._folder) as state:
            gone = state["clusters"].pop(flags["--name"], None)
            ours = state.get("kubeconfig") is None
        if gone is not None and gone["whole"] and ours:
            down = ("sandbox", "down", "--name", self._sandbox(flags["--name"]))
            subprocess.run([*_harness(), *down], check=True, timeout=200, stdout=subprocess.DEVNULL)
        said = "" if gone is None else "Deleted nodes: "
        answer = recorded("kind", "delete", "cluster", "--name", "rollout-harness", said=said)
        return _named(answer, "rollout-harness", flags["--name"])

    def kind_export_kubeconfig(self, _: list[str], flags: dict[str, str]) -> Answer:
        name = flags["--name"]
        with _state(self._folder) as state:
            found, given = state["clusters"].get(name), state.get("kubeconfig")
        if found is None or not found["whole"]:
            missing = ("kind", "export", "kubeconfig", "--name", "nowhere", "--kubeconfig", "<tmp>")
            return _named(recorded(*missing, rc=1), "nowhere", name)
        file = self._folder / f"{name}.kubeconfig"
        self._write_kubeconfig(name, flags.get("--kubeconfig"), given or json.loads(file.read_text()))
        answer = recorded("kind", "export", "kubeconfig", "--name", "rollout-harness", "--kubeconfig", "<tmp>")
        return _named(answer, "rollout-harness", name)

    def kind_export_logs(self, words: list[str], flags: dict[str, str]) -> Answer:
        node = Path(words[0]) / f"{flags['--name']}-control-plane"
        node.mkdir(parents=True)
        (node / "kubelet.log").write_text((self._folder / "logged").read_text())
        answer = recorded("kind", "export", "logs", "<tmp>", "--name", "rollout-harness")
        return _named(_named(answer, "rollout-harness", flags["--name"]), "<tmp>", words[0])

    def kind_load_image_archive(self, words: list[str], flags: dict[str, str]) -> Answer:
        if not Path(words[0]).exists():
            missing = ("kind", "load", "image-archive", "<tmp>", "--name", "rollout-harness")
            return _named(recorded(*missing, rc=1), "<tmp>", words[0])
        image, identity = Path(words[0]).read_text().split()
        with _state(self._folder) as state:
            cluster = state["clusters"][flags["--name"]]
            for node in cluster["nodes"]:
                cluster["images"][node][image] = identity
        return recorded("kind", "load", "image-archive", "<tmp>", "--name", "rollout-harness")

    # docker and podman
    def docker__v(self, program: str, _: list[str], __: dict[str, str]) -> Answer:
        return recorded("docker", "-v") if program == "docker" else (0, f"{program} version 5.4.0\n", "")

    def docker_info(self, program: str, _: list[str], __: dict[str, str]) -> Answer:
        return recorded("docker", "info")

    def docker_version(self, _: str, __: list[str], flags: dict[str, str]) -> Answer:
        """`api`: what client and server agree on; else what the recorded client has, which is the older one."""
        with _state(self._folder) as state:
            agreed = state.get("api") or re.search(r"API version: +(\S+)", recorded("docker", "version", rc=1)[1])[1]
        said = {
            "{{.Client.APIVersion}}": agreed,
            "{{.Server.APIVersion}}": recorded("docker", "version", "--format", "{{.Server.APIVersion}}")[1].strip(),
            "{{.Server.Os}}/{{.Server.Arch}}": "linux/amd64\n",
        }
        return 0, " ".join(said[field] for field in flags["--format"].split()), ""

    def docker_image_inspect(self, _: str, words: list[str], __: dict[str, str]) -> Answer:
        with _state(self._folder) as state:
            identity = state["here"].get(words[0])
        if identity is None:
            missing = recorded("docker", "image", "inspect", "-f", "{{ .Id }}", "not-here:1", rc=1)
            return _named(missing, "not-here:1", words[0])
        return 0, f"{identity}\n", ""

    def docker_image_save(self, program: str, words: list[str], flags: dict[str, str]) -> Answer:
        with _state(self._folder) as state:
            identity, old = state["here"][words[0]], state.get("api") or program == "podman"
        if old and "--platform" in flags:
            return 1, "", '"--platform" requires API version 1.48, but the Docker daemon API version is 1.47\n'
        if (foreign := flags.get("--platform", "linux/amd64")) != "linux/amd64":
            other = ("docker", "image", "save", "--platform", "linux/arm64", "-o", "<tmp>", "nginx:1.28.0")
            return _named(recorded(*other, rc=1), "linux/arm64", foreign)
        return 0, f"{words[0]} {identity}", ""

    def docker_build(self, _: str, __: list[str], flags: dict[str, str]) -> Answer:
        (self._folder / "built").write_bytes(self._stdin())
        with _state(self._folder) as state:
            if state.get("builds"):
                state["here"][flags["--tag"]] = digest(flags["--tag"])
                return 0, f"{digest(flags['--tag'])}\n", ""
        return recorded("docker", "pull", "-q", "nginx:1.28.9", rc=1)

    def docker_exec(self, _: str, words: list[str], __: dict[str, str]) -> Answer:
        node, crictl, verb, image = words
        if crictl != "crictl" or verb not in ("inspecti", "pull"):
            return UNEXPECTED, "", f"{words}: neither recorded nor documented\n"
        if verb == "pull":  # `crictl pull`, of cri-tools
            return 1, "", f'E1126 22:20:14.000000 1 remote_image.go:242] "PullImage failed" image="{image}"\n'
        with _state(self._folder) as state:
            on_node = {k: v for each in state["clusters"].values() for k, v in each["images"].get(node, {}).items()}
        there = "sha256:faf6f703067decf790f04cbe21f2dbb9b9934f5bb367df33daec623571c37bb9"
        inspected = ("docker", "exec", "--privileged", "rollout-harness-control-plane", "crictl", "inspecti")
        if image not in on_node:
            return _named(recorded(*inspected, there, rc=1), there, image)
        return _named(recorded(*inspected, there), there, on_node[image])

    # kubectl, of a script
    def kubectl_wait(self, _: str, __: list[str], flags: dict[str, str]) -> Answer:
        return _named(recorded(*_WAIT), "rollout-harness", flags["--context"].removeprefix("kind-"))

    def kubectl_rollout_status(self, _: str, __: list[str], flags: dict[str, str]) -> Answer:
        with _state(self._folder) as state:
            mode, _ = state["clusters"][flags["--context"].removeprefix("kind-")]["proxy"]
        if mode == "none":
            return 1, "", 'Error from server (NotFound): daemonsets.apps "kube-proxy" not found\n'
        return 0, 'daemon set "kube-proxy" successfully rolled out\n', ""

    def kubectl_get(self, _: str, words: list[str], flags: dict[str, str]) -> Answer:
        name = flags["--context"].removeprefix("kind-")
        with _state(self._folder) as state:
            nodes, (mode, period) = (state["clusters"][name][what] for what in ("nodes", "proxy"))
        if ".status.conditions" in flags["-o"]:
            return 0, "n: Ready=False KubeletNotReady: no CNI\n", ""
        if words[0] == "nodes":
            return 0, "".join(f"node/{node}\n" for node in nodes), ""
        import yaml

        if mode == "none":
            return 0, "", ""
        _, shown, _ = recorded("kubectl", "-n", "kube-system", "get", "configmap", "kube-proxy", "-o", "yaml")
        text = yaml.safe_load(shown)["data"]["config.conf"].replace("mode: iptables", f"mode: {mode}")
        return 0, re.sub(rf"(?s)(\n{mode}:.*?minSyncPeriod:) \w+", rf"\1 {period}", text), ""


_WAIT = ("kubectl", "--context", "kind-rollout-harness", "wait", "--for=condition=Ready", "nodes", "--all")
_WAIT = (*_WAIT, "--timeout=120s")


def _harness() -> list[str]:
    return [sys.executable, "-m", "harness"]
