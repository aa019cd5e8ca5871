"""What people give: each kind of wrong input is one line with the file, the line or key, what was found, what to do."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from harness.errors import ExperimentError, ManifestError, UsageError
from harness.inputs.files import MOST_BYTES, file_text
from harness.inputs.shown import near, shown
from harness.inputs.yaml_core import document
from harness.inputs.yaml_nodes import MOST_LEVELS, YamlError, compose
from harness.manifests.kubectl_yaml import MeaningError, documents
from harness.manifests.read import read_manifests
from harness.runner.experiment_file import read_experiment

GOOD = """\
version: 1
name: demo
manifests: [web.yaml]
service: {name: web, port: 80}
load: {new: {rate: 100}}
"""
APP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: web, image: nginx}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{port: 80}]}
"""

# Files


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name, seen in (("fifo", "it is a pipe"), ("socket", "it is a socket"), (".", "it is a directory")):
            with pytest.raises(ExperimentError, match=seen):
                file_text(tmp_path / name, error=ExperimentError)
    with pytest.raises(UsageError, match=r"/dev/zero: it is a device\. Give a regular file, or `-`"):
        file_text(Path("/dev/zero"), error=UsageError)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "big.yaml"
    file.write_bytes(b"a" * MOST_BYTES)
    assert len(file_text(file, error=UsageError)) == MOST_BYTES
    with file.open("ab") as more:
        more.truncate(200 * MOST_BYTES)  # a hole: it takes no room
    with pytest.raises(UsageError, match="it is larger than 10 MB"):
        file_text(file, error=UsageError)


@pytest.mark.parametrize(
    ("path", "seen"),
    [("loop", "its symbolic links are a loop"), ("x" * 300, "its name is too long"), ("a\0b", "a NUL character")],
)
def test_a_path_that_leads_nowhere_is_said(tmp_path: Path, path: str, seen: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match=seen):
        file_text(tmp_path / path, error=UsageError)


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_bytes(b"\xef\xbb\xbf" + APP.encode())
    assert len(read_manifests([tmp_path / "web.yaml"])) == 2
    (tmp_path / "experiment.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_experiment(tmp_path / "experiment.yaml").name == "demo"


# YAML


def bomb(levels: int = 9) -> str:
    lines = ["a0: &a0 [" + ", ".join(["lol"] * 10) + "]"]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: " + "[" * 400 + "]" * 400, "line 1: .*deeper than 100 levels"),
        ("a:\n" + "".join(" " * n + "- \n" for n in range(1, 200)), "deeper than 100 levels"),
        ("a: " + "[" * 50_000, "nesting depth|levels"),
        (bomb(), "line 5: .*its aliases would make it many times as large"),
        ("load: &load\n  <<: *load\n  new: 1", "line 2: .*'load' stands in itself"),
        ("a: *b", "line 1: .*undefined alias 'b'"),
        ("a: b\n\tc: d", "line 2.*a tab"),
        ('{"a": [1, ', "line 2.*was it cut"),
        ("a: \x00", r"line 1: .*U\+0000"),
    ],
)
@pytest.mark.parametrize("read", [document, documents])
def test_yaml_that_cannot_be_read_is_named_with_its_line(read: object, text: str, says: str) -> None:
    with pytest.raises((YamlError, MeaningError), match=says):
        read(text)  # type: ignore[operator]


def test_depth_is_measured_and_no_more_refused_than_must_be() -> None:
    deep = "[" * MOST_LEVELS + "]" * MOST_LEVELS
    assert documents(deep) == documents("\n" + deep)
    assert len(compose(bomb(4))) == 1


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2", "a: !!int abc", "a: !!bool maybe", "a: !odd 1", "[1]: 2", "- a", "a: 1\n---\nb: 2"]
)
def test_what_an_experiment_cannot_mean_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(YamlError, match=r"line [123]"):
        document(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-13-45", "2026-13-45"), ("2026-01-01", "2026-01-01"), ("on", "on"), ("1:30", "1:30"), ("0o17", 15),
        ("0x1F", 31), ("017", 17), ("1e3", 1000.0), ("~", None), ("TRUE", True), ("!!int '5'", 5), ("!!str 5", "5"),
        ("!!float 1", 1.0), ("'5'", "5"), ("<<", "<<"),
    ],
)  # fmt: skip
def test_a_scalar_is_what_the_core_schema_says(text: str, value: object) -> None:
    found = document(f"a: {text}").value
    assert found is not None
    assert (found["a"], type(found["a"])) == (value, type(value))


def test_a_merge_counts_less_than_what_stands_there() -> None:
    found = document("x: &x {p: 1, q: 2}\ny: {<<: *x, q: 3}\nz: {<<: [{p: 9}, *x]}")
    assert found.value == {"x": {"p": 1, "q": 2}, "y": {"p": 1, "q": 3}, "z": {"p": 9, "q": 2}}
    assert found.lines["y", "q"] == 2


def test_a_number_of_thousands_of_digits_is_no_number() -> None:
    with pytest.raises(YamlError, match=r"line 1: .*5000 digits"):
        document("a: " + "7" * 5000)
    digits = "7" * 5000
    assert documents(f"a: {digits}") == [{"a": digits}]  # text, as go-yaml has it
    assert documents(f'{{"a": {digits}}}') == [{"a": digits}]
    assert documents(f"a: 0x{digits}") == [{"a": f"0x{digits}"}]


# Experiments


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("name: demo", "name: 2026-13-45", None),
        ("[web.yaml]", '["web.yaml\\0"]', r"line 3, manifests\.0: .*NUL"),
        ("[web.yaml]", '[""]', r"line 3, manifests\.0: .*not a path"),
        ("rate: 100", "rate: .nan", r"load\.new\.rate: .*not nan"),
        ("service: {name: web, port: 80}", "service: null", "line 4, service: it is null"),
        ("load: {new: {rate: 100}}", "load: [new]", "line 5, load: .*not a list"),
        ("name: demo", "name: " + "Shop" * 25_000, r"line 2, name: .*not 'Shop.{70,90}$"),
        ("name: demo", 'name: "\\e[2Jx\\u202e"', r"line 2, name: .*\\x1b\[2Jx\\u202e"),
        ("version: 1", "version: 1\nrolouts: 1", "line 2, rolouts: there is no such key; did you mean rollouts"),
        (
            "version: 1",
            "version: 1\npod_header: X-Pod",
            "line 2, pod_header: there is no such key; load.pod_header is one",
        ),
        ("version: 1", "version: 1\nrollout: 1", "there is no such key; did you mean rollouts, or budget.rollout"),
        ("rate: 100", "raet: 100", "line 5, load.new.raet: there is no such key; did you mean rate"),
        ("rate: 100", "rate: 1, read_timeout: 0s", r"load\.new\.read_timeout: it must be greater than 0"),
        ("version: 1", "version: 1\nrollout_timeout: 0s", "line 2, rollout_timeout: it must be greater than 0"),
        ("version: 1", "version: 1\ncontrol: " + "9" * 400 + "s", "line 2, control: .*too long"),
        ("version: 1", "version: 1\ncontrol: null", "line 2, control: it is null"),
        ("version: 1", "version: 1\nquiet: -5s", "line 2, quiet: '-5s' is not a duration"),
        ("version: 1", "version: 1\nvariants: {a: {mitigations: [{prestop: null}]}}", "prestop is null"),
        ("version: 1", "version: 1\nvariants: {a: {mitigations: [{prestop: 5s}, {prestop-exec: 5s}]}}", "not both"),
        ("version: 1", "version: 1\nvariants: {a: {mitigations: [{prestop: 5s}, {grace: 3s}]}}", "contradict"),
        ("version: 1", "version: 1\nvariants: {a: {mitigations: [{grace: 5s}, {grace: 6s}]}}", "given twice"),
        ("version: 1", "version: 1\ncontrol: {s: 5}", r'line 2, control: \{"s": 5\} is no duration'),
        ("version: 1", "version: 1\ncontrol: .inf", "line 2, control: inf is no duration"),
        ("port: 80", 'port: "80"', "line 4, service.port: '80' in quotes is a name, .* write 80 without them"),
        ("version: 1", "version: 1\nrequests: []", "line 2, requests: it must have at least 1 item$"),
        ("version: 1", "version: 1\ncluster: {context: ''}", "line 2, cluster.context: .* at least 1 character"),
        ("version: 1", "version: 1\ndisruption: restar", "line 2, disruption: .*; did you mean restart"),
        ("rate: 100", "rate: {{ .Values.rate }}", "line 5: it is a template that is not rendered .*helm template"),
        (
            "version: 1",
            "version: n:\n# {{ x }}",
            r"line 1, column 11: .*a colon at its end or before a space needs quotes",
        ),
        ("version: 1", "version: '{{ x }}'\nname: {n: n:}", r"line 2, column 12: .*a colon at its end .* needs quotes"),
    ],
)
def test_a_wrong_experiment_is_one_line(tmp_path: Path, old: str, new: str, says: str | None) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(GOOD.replace(old, new))
    if says is None:
        assert read_experiment(file).name == "2026-13-45"
        return
    with pytest.raises(ExperimentError, match=says) as refused:
        read_experiment(file)
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("rollouts: true", "line 6, rollouts: input should be a valid integer, not true"),
        ("variants: {}", r"line 6, variants: it must have at least 1 item$"),
        (
            "variants: {" + ", ".join(f"v{n}: {{}}" for n in range(1001)) + "}",
            r"variants: it must have at most 1,000 items",
        ),
        ("variants: [a]", r"variants: input should be a mapping, such as \{key: value\}, not a list"),
        ("update: {image: {web: []}}", r"update\.image\.web: it must have at least 1 item$"),
        ("update: {image: {web: nginx}}", r"update\.image\.web: input should be a list, such as \[a, b\], not 'nginx'"),
        ("request: {headers: [a]}", r"request\.headers: input should be a mapping, .*not a list"),
        ('request: {headers: {X-A: "a\\r\\nB: c"}}', r"line 6, request\.headers: the value of X-A has a line break"),
        ("request: {headers: {X A: b}}", r"request\.headers: a header's name has letters, .*, not 'X A'"),
        ('request: {host: "a\\r\\nB: c"}', r"request\.host: it must be a host name"),
        ("request: {host: a/b}", r"request\.host: it must be a host name"),
        ('request: {path: "/a\\0"}', r"request\.path: it must begin with / and hold no spaces, control characters"),
        ("request: {path: '/a#b'}", r"request\.path: it must begin with / and hold no spaces, control characters or #"),
        (
            "manifests: [~]",
            r"manifests\.0: it is null \(empty\), where a value is needed: input should be the path of a",
        ),
    ],
)
def test_it_is_told_in_the_words_of_yaml_and_not_of_python(tmp_path: Path, more: str, says: str) -> None:
    file = tmp_path / "experiment.yaml"
    lines = [line for line in GOOD.splitlines() if not more.startswith(line.partition(":")[0])]
    file.write_text("\n".join([*lines, more, ""]))
    with pytest.raises(ExperimentError, match=says) as refused:
        read_experiment(file)
    for word in ("tuple", "dictionary", "<class", "None", "True", "False"):
        assert word not in str(refused.value)


def test_of_thousands_of_wrong_keys_a_few_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(GOOD + "".join(f"key{number}: 1\n" for number in range(5000)))
    with pytest.raises(ExperimentError, match=r"key0: there is no such key; .*and 4995 more$"):
        read_experiment(file)


def test_text_of_windows_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_bytes(GOOD.encode("utf-16"))
    with pytest.raises(ExperimentError, match=r"it begins as UTF-16 does.*Save it as UTF-8"):
        read_experiment(tmp_path / "experiment.yaml")


def test_text_of_four_bytes_a_letter_is_not_taken_for_that_of_two(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_bytes(GOOD.encode("utf-32"))
    with pytest.raises(ExperimentError, match="it begins as UTF-32 does"):
        read_experiment(tmp_path / "experiment.yaml")


def test_both_sides_of_a_merge_are_known_in_an_experiment_and_in_manifests(tmp_path: Path) -> None:
    file = tmp_path / "some.yaml"
    file.write_text("version: 1\n<<<<<<< HEAD\nname: a\n=======\nname: b\n>>>>>>> theirs\n")
    words = r"line 2: it holds both sides of a merge's conflict \('<<<<<<< HEAD'\)\. Resolve the conflict"
    with pytest.raises(ExperimentError, match=words):
        read_experiment(file)
    with pytest.raises(ManifestError, match=words):
        read_manifests([file])


def test_near_spellings_are_told_and_far_ones_are_not() -> None:
    assert near("conections", ["connections", "rate"]) == "; did you mean connections?"
    assert near("zebra", ["connections", "rate"]) == ""
    assert len(shown("x" * 10_000)) <= 82
    assert len(shown(7 * 10**5000)) <= 82


# Manifests


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("replicas: 2", "replicas: {{ .Values.replicas }}", "line 5: it is a template .*helm template"),
        ("replicas: 2", "replicas: {{.Values.replicas}}", "line 5: it is a template .*helm template"),
        ("image: nginx}", 'image: "{{ .Values.image }}"}', r"Deployment shop: .*image is .*helm template"),
        ("image: nginx}", "image: n}", r"image is false, as YAML reads n, no and off without quotes, where text"),
        ("image: nginx}", "image: 1.29}", r"image is 1\.29, a number without quotes, where text is wanted"),
        ("image: nginx}", "image: {}}", r"image is an empty mapping, where text is wanted"),
        ("replicas: 2", 'replicas: "2"', r"Deployment shop: spec\.replicas is '2' \(text\), where a whole number"),
        ("replicas: 2", "replicas: -1", r"spec\.replicas is -1"),
        ("replicas: 2", "replicas: 2147483648", r"replicas is 2147483648, more than 2147483647, where a whole"),
        ("replicas: 2", "replicas: {% if x %}2{% endif %}", "line 5: it is a template .*'{% if x %}'|.*endif"),
        ("replicas: 2", "strategy: {type: BlueGreen}", r"strategy\.type is 'BlueGreen'.*RollingUpdate or Recreate"),
        ("kind: Deployment\nmetadata: {name: shop}", "kind: Deployment\nmetadata: {name: 5}", r"name 5, a number"),
        ("replicas: 2", "replicas: 1.5", r"spec\.replicas is 1\.5"),
        ("replicas: 2", "replicas: true", r"spec\.replicas is true"),
        ("replicas: 2", "minReadySeconds: -5", r"spec\.minReadySeconds is -5"),
        ("replicas: 2", 'strategy: {rollingUpdate: {maxSurge: "25"}}', r"maxSurge is '25'.*percentage"),
        ("{selector: {app: shop}", "{selector: [app, shop]", r"Service shop: spec\.selector is a list of 2, .*mapping"),
        ("ports: [{port: 80}]", 'ports: ["80"]', r"Service shop: spec\.ports\[0\] is '80' \(text\), where a mapping"),
        ("ports: [{port: 80}]", "ports: {port: 80}", r"spec\.ports is a mapping \(port\), where a list"),
        ("ports: [{port: 80}]", "ports: [null]", r"spec\.ports\[0\] is null"),
        ("ports: [{port: 80}]", "ports: [{name: a}]", r"spec\.ports\[0\]\.port is missing"),
        ("ports: [{port: 80}]", "ports: [{port: 99999}]", r"spec\.ports\[0\]\.port is 99999"),
        ("labels: {app: shop}", "labels: {app: 5}", r"spec\.template\.metadata\.labels\.app is 5"),
        (
            "kind: Deployment\nmetadata: {name: shop",
            "kind: Deployment\nmetadata: {annotations: {build: 7}, name: shop",
            r"Deployment shop: metadata\.annotations\.build is 7, a number without quotes, where text",
        ),
        (
            "labels: {app: shop}",
            "labels: {app: shop}, annotations: {scrape: true}",
            r"spec\.template\.metadata\.annotations\.scrape is true, as YAML reads y, yes and on without quotes",
        ),
        ("ports: [{port: 80}]", "ports: [{port: 80, protocol: HTTP}]", "protocol is 'HTTP' .* TCP or UDP or SCTP"),
        ("{selector: {app: shop}", "{type: ClusterIp, selector: {app: shop}", "type is .ClusterIp. .*ClusterIP or"),
        ("kind: Service", "kind: ~", "object 2 in it .*'shop'.* has no kind"),
        ("kind: Service\n", "kind: List\nitems: 5\n", "object 2 in it is a List whose items are no list"),
    ],
)  # fmt: skip
def test_a_wrong_manifest_is_one_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    file = tmp_path / "app.yaml"
    assert APP.count(old) == 1
    file.write_text(APP.replace(old, new))
    with pytest.raises(ManifestError, match=says) as refused:
        read_manifests([file])
    assert str(file) in str(refused.value)


def test_a_template_in_what_is_only_carried_is_nobodys_business(tmp_path: Path) -> None:
    file = tmp_path / "app.yaml"
    rule = (
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: r, annotations: {a: '{{ x }}'}}\ndata: {a: '{{ $x }}'}"
    )
    carried = "image: nginx, args: ['{{ name }}'], env: [{name: A, value: '{{ b }}'}]}"
    file.write_text(f"{APP.replace('image: nginx}', carried)}{rule}\n")
    assert len(read_manifests([file])) == 3
