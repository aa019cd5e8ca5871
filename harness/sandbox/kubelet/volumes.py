"""A pod's volumes -> files in the sandbox's tmpfs, and a container's volumeMounts -> what is mounted where."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from harness.sandbox.kubelet.environment import ConfigError, Source, environment, expand, field, resource
from harness.sandbox.kubelet.pod_tokens import KIND, wish_of
from harness.sandbox.kubelet.runtime_spec import Mount

if TYPE_CHECKING:
    from harness.sandbox.kubelet.records import ContainerRecord, Object, PodRecord

_DEFAULT_MODE = 0o644
_KEPT = ("emptyDir", "configMap", "secret", "downwardAPI", "projected", "hostPath", "persistentVolumeClaim")
_PROJECTED = ("configMap", "secret", "downwardAPI", "serviceAccountToken")
_WRITABLE = ("emptyDir", "hostPath", "persistentVolumeClaim")


class MountError(Exception):
    """A volume cannot be set up (yet); the text is what the event FailedMount says."""


def sources(pod: Object) -> frozenset[tuple[str, str]]:
    """The ConfigMaps and Secrets that the pod's volumes need."""
    found = set()
    for volume in pod["spec"].get("volumes") or ():
        for part in (volume, *(volume.get("projected", {}).get("sources") or ())):
            if "configMap" in part:
                found.add(("configmap", part["configMap"]["name"]))
            if "secret" in part:
                found.add(("secret", part["secret"].get("secretName") or part["secret"]["name"]))
    return frozenset(found)


def write_volumes(directory: Path, record: PodRecord, host_ip: str, data: Source) -> None:
    """Writes the pod's volumes below `directory`, one folder a volume.

    Raises:
        MountError: a ConfigMap, Secret or key is missing, or the kind of volume is not one the sandbox has.
    """
    for volume in record.spec.get("volumes") or ():
        _refuse_unknown(volume)
        folder = directory / volume["name"]
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777 if "emptyDir" in volume else 0o755)
        parts = (volume.get("projected") or {}).get("sources") or [volume]
        mode = (volume.get("projected") or {}).get("defaultMode", _DEFAULT_MODE)
        for part in parts:
            try:
                _write_part(folder, part, mode, record, host_ip, data)
            except (ConfigError, OSError) as error:
                why = error.strerror.lower() if isinstance(error, OSError) and error.strerror else error
                raise MountError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {why}') from None


def write_tokens(directory: Path, record: PodRecord, host_ip: str, data: Source) -> None:
    """Writes the pod's tokens anew, once they were renewed."""
    for volume in record.spec.get("volumes") or ():
        projected = volume.get("projected") or {}
        for part in projected.get("sources") or ():
            if "serviceAccountToken" in part:
                _write_part(
                    directory / volume["name"], part, projected.get("defaultMode", _DEFAULT_MODE), record, host_ip, data
                )


def _refuse_unknown(volume: Object) -> None:
    kinds = [key for key in volume if key != "name" and key not in _KEPT]
    for part in (volume.get("projected") or {}).get("sources") or ():
        kinds += [f"projected {key}" for key in part if key not in _PROJECTED]
    if kinds:
        why = f"the sandbox has no {', '.join(kinds)}"
        raise MountError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {why}')


def container_mounts(
    directory: Path, container: ContainerRecord, record: PodRecord, host_ip: str, data: Source
) -> tuple[Mount, ...]:
    """What a container with this record sees of the volumes below `directory`."""
    volumes = {volume["name"]: volume for volume in record.spec.get("volumes") or ()}
    mounts = []
    for mount in sorted(container.spec.get("volumeMounts") or (), key=lambda mount: len(mount["mountPath"])):
        volume = volumes[mount["name"]]
        source = _source(directory, volume, record)
        below = mount.get("subPath", "")
        if mount.get("subPathExpr"):
            below = expand(mount["subPathExpr"], dict(environment(container.spec, record, host_ip, data)).get)
        source = source / below if below else source
        if not source.exists():
            source.mkdir(parents=True)
        writable = any(kind in volume for kind in _WRITABLE) and not mount.get("readOnly")
        # The machine's links are followed here: inside the script they would lead out of the container's root.
        mounts.append(Mount(source=source, path=os.path.realpath(mount["mountPath"]), read_only=not writable))
    return tuple(mounts)


def _source(directory: Path, volume: Object, record: PodRecord) -> Path:
    """Where a volume's files are. Those of a claim outlive the pod: its folder is found by namespace and name."""
    if "hostPath" in volume:
        return Path(str(volume["hostPath"]["path"]))
    if "persistentVolumeClaim" in volume:
        claim = str(volume["persistentVolumeClaim"]["claimName"])
        folder = directory.parents[1] / "claims" / record.namespace / claim
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)
        return folder
    return directory / str(volume["name"])


def _write_part(folder: Path, part: Object, mode: int, record: PodRecord, host_ip: str, data: Source) -> None:
    if "configMap" in part:
        _write_data(folder, "configmap", part["configMap"], part["configMap"]["name"], mode, data)
    elif "secret" in part:
        name = part["secret"].get("secretName") or part["secret"]["name"]
        _write_data(folder, "secret", part["secret"], name, mode, data)
    elif "serviceAccountToken" in part:
        token = (data.get(wish_of(part["serviceAccountToken"]).key) or {}).get(KIND)
        if token is None:
            raise ConfigError("failed to fetch token: the API has not given one")
        _write(folder, part["serviceAccountToken"]["path"], token, mode)
    elif "downwardAPI" in part:
        for item in part["downwardAPI"].get("items") or ():
            if "fieldRef" in item:
                text = field(item["fieldRef"]["fieldPath"], record, host_ip)
            else:
                text = resource(item["resourceFieldRef"], record, None)
            _write(folder, item["path"], text.encode(), item.get("mode", part["downwardAPI"].get("defaultMode", mode)))


def _write_data(folder: Path, kind: str, reference: Object, name: str, mode: int, data: Source) -> None:
    found = data.get((kind, name))
    if found is None:
        if reference.get("optional"):
            return
        raise ConfigError(f'{kind} "{name}" not found')
    mode = reference.get("defaultMode", mode)
    items = reference.get("items") or [{"key": key, "path": key} for key in found]
    for item in items:
        if item["key"] in found:
            _write(folder, item["path"], found[item["key"]], item.get("mode", mode))
        elif not reference.get("optional"):
            named = "secret" if kind == "secret" else "config"
            raise ConfigError(f"references non-existent {named} key: {item['key']}")


def _write(folder: Path, path: str, content: bytes, mode: int) -> None:
    file = folder / path
    if ".." in Path(path).parts or Path(path).is_absolute():
        raise ConfigError(f"invalid path: {path}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(mode)
