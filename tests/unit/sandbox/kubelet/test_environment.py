"""Environment variables and volumes, from a manifest and the objects that it names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.sandbox.kubelet.environment import ConfigError, environment, expand, object_data, resource, sources
from harness.sandbox.kubelet.records import PodRecord
from harness.sandbox.kubelet.runtime_spec import Mount, Process, Root, container_script


def record(**container: Any) -> PodRecord:
    metadata = {"name": "web-1", "namespace": "shop", "uid": "u", "labels": {"app": "web"}}
    made = PodRecord.of({"metadata": metadata, "spec": {"containers": [{"name": "c", "image": "i", **container}]}})
    made.ip = "10.244.1.2"
    return made


def variables(data: dict[tuple[str, str], dict[str, bytes] | None] | None = None, **container: Any) -> dict[str, str]:
    made = record(**container)
    return dict(environment(made.containers[0].spec, made, "10.201.0.1", data or {}))


def test_later_variables_see_earlier_ones() -> None:
    env = [{"name": "HOST", "value": "web"}, {"name": "URL", "value": "http://$(HOST)/$(NOPE)/$$(HOST)"}]
    assert variables(env=env)["URL"] == "http://web/$(NOPE)/$(HOST)"


def test_the_downward_api_fills_in_what_the_pod_is() -> None:
    fields = {
        "NAME": "metadata.name",
        "IP": "status.podIP",
        "APP": "metadata.labels['app']",
        "NODE_IP": "status.hostIP",
    }
    env = [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()]
    assert variables(env=env) == {"NAME": "web-1", "IP": "10.244.1.2", "APP": "web", "NODE_IP": "10.201.0.1"}


def test_a_config_map_gives_one_key_or_all_with_a_prefix() -> None:
    data: dict[tuple[str, str], dict[str, bytes] | None] = {("configmap", "settings"): {"a": b"1", "b": b"2"}}
    one = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}}]
    assert variables(data, env=one) == {"A": "1"}
    assert variables(data, envFrom=[{"prefix": "S_", "configMapRef": {"name": "settings"}}]) == {"S_a": "1", "S_b": "2"}


def test_what_is_missing_is_named_unless_it_is_optional() -> None:
    reference = {"name": "settings", "key": "a"}
    env = [{"name": "A", "valueFrom": {"configMapKeyRef": reference}}]
    with pytest.raises(ConfigError, match='configmap "settings" not found'):
        variables({("configmap", "settings"): None}, env=env)
    with pytest.raises(ConfigError, match="couldn't find key a in ConfigMap shop/settings"):
        variables({("configmap", "settings"): {}}, env=env)
    env[0]["valueFrom"]["configMapKeyRef"] = {**reference, "optional": True}  # type: ignore[index]
    assert variables({("configmap", "settings"): None}, env=env) == {}


def test_secrets_are_decoded() -> None:
    assert object_data({"kind": "Secret", "data": {"token": "c2VjcmV0"}}) == {"token": b"secret"}
    assert object_data({"kind": "ConfigMap", "data": {"a": "ä"}, "binaryData": {"b": "AAE="}}) == {
        "a": "ä".encode(),
        "b": b"\x00\x01",
    }


def test_the_objects_that_the_environment_needs_are_known_beforehand() -> None:
    made = record(
        envFrom=[{"secretRef": {"name": "s"}}],
        env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}],
    )
    assert sources(made.pod) == {("secret", "s"), ("configmap", "m")}


@pytest.mark.parametrize(("amount", "whole"), [("2", "2"), ("500m", "1"), ("1Gi", str(2**30)), ("1.5k", "1500")])
def test_amounts_of_resources_are_whole_units(amount: str, whole: str) -> None:
    made = record(resources={"limits": {"memory": amount}})
    assert resource({"resource": "limits.memory"}, made, made.spec["containers"][0]) == whole


def test_expansion_leaves_unknown_names_alone() -> None:
    assert expand("$(A)$(B)", {"A": "1"}.get) == "1$(B)"


def test_the_script_ends_in_the_program_itself_with_only_its_own_environment(tmp_path: Path) -> None:
    process = Process(argv=("nginx", "-g", "daemon off;"), env=(("A", "x y"),), working_dir="/srv")
    script = container_script(
        process=process,
        directory=Path("/state/pods/u/c-0"),
        host_name="web-1",
        mounts=(Mount(source=tmp_path, path="/etc/nginx/conf.d", read_only=True),),
    )
    last = script.rstrip().splitlines()[-1]
    assert last == "exec chroot /state/pods/u/c-0/root env -i -C /srv 'A=x y' nginx -g 'daemon off;'"
    assert f"mount --bind {tmp_path} /state/pods/u/c-0/root/etc/nginx/conf.d" in script
    assert "mount -o remount,ro,bind /state/pods/u/c-0/root/etc/nginx/conf.d" in script
    assert "mount -a -T /state/pods/u/c-0/fstab" in script


def test_every_directory_is_an_overlay_and_the_images_own_hide_the_machines() -> None:
    root = Root(layer=Path("/state/images/1"), directories=("etc", "usr"), bound=("home",), replaced=("/etc/nginx",))
    lines = root.table(Path("/c")).splitlines()
    assert (
        "overlay /c/root/etc overlay lowerdir=/state/images/1/etc:/etc,upperdir=/c/upper/etc,workdir=/c/work/etc 0 0"
        in lines
    )
    assert lines.index("/home /c/root/home none rbind 0 0") > 0
    (own,) = [line for line in lines if line.startswith("overlay /c/root/etc/nginx ")]
    assert "lowerdir=/state/images/1/etc/nginx,upperdir=/c/upper/etc=nginx," in own
    assert {"upper/etc=nginx", "work/usr", "root/home", "root/proc"} <= set(root.needed())
    assert not [line for line in lines if line.startswith("/dev ")]
