"""An experiment file that is wrong is answered with file, line, key and what was expected: one line, no traceback."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ExperimentError
from harness.fixture_files import fixtures
from harness.model.cluster_settings import SandboxImage
from harness.model.experiment import Experiment
from harness.runner.experiment_file import read_experiment
from harness.runner.experiment_problems import PATTERN_WORDS

GOOD = """\
version: 1
name: demo
manifests: [web.yaml]
service: {name: web, port: 80}
load: {new: {rate: 100}}
"""


def refusal(folder: Path, text: str | bytes) -> str:
    file = folder / "experiment.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ExperimentError) as error:
        read_experiment(file)
    message = str(error.value)
    assert str(file) in message
    assert "\n" not in message
    return message


def test_the_demo_is_read_whole() -> None:
    demo = read_experiment(fixtures() / "experiments" / "demo.yaml")
    assert list(demo.variants) == ["default", "prestop", "min-ready", "both"]
    assert demo.load.streams["kept"].rate == 50
    assert demo.quiet_s is None
    assert demo.cluster.sandbox is not None
    assert demo.cluster.sandbox.proxy.period_s == 1
    assert [m.value_s for m in demo.variants["both"].mitigations] == [5, 5]


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text(GOOD)
    assert read_experiment(tmp_path / "experiment.yaml").manifests == (tmp_path / "web.yaml",)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("rollouts: -1\n", "line 6, rollouts: input should be greater than or equal to 1, not -1"),
        ("rollouts: many\n", "line 6, rollouts: input should be a valid integer, not 'many'"),
        ("retries: 3\n", "line 6, retries: there is no such key"),
        (
            "path: internet\n",
            "line 6, path: input should be 'clusterip', 'nodeport', 'loadbalancer', 'ingress' or 'gateway', "
            "not 'internet'",
        ),
        (
            "path: {nodeport: {}, loadbalancer: {}}\n",
            "line 6, path: name exactly one of clusterip, nodeport, loadbalancer",
        ),
        ("path: {url: ftp://shop}\n", "line 6, path.url: it is no URL of HTTP"),
        ("path: {url: http://shop/cart}\n", "line 6, path.url: it has a path: leave that to request.path"),
        ("path: {url: 'http://me:secret@shop'}\n", "line 6, path.url: it has a user or password"),
        ("control: 5\n", "line 6, control: 5 has no unit; write a duration such as 500ms, 5s or 1m30s"),
        ("control: -5s\n", "line 6, control: '-5s' is not a duration such as 500ms, 5s or 1m30s"),
        ("target: web\n", "line 6, target: it must be deployment/NAME or statefulset/NAME, not 'web'"),
        (
            "request: {path: cart}\n",
            "line 6, request.path: it must begin with / and hold no spaces, control characters or #, not 'cart'",
        ),
        ("cluster: {}\n", "line 6, cluster: name exactly one of sandbox, kind, k3s or context, not 0"),
        ("cluster: {sandbox: {}, k3s: {}}\n", "line 6, cluster: name exactly one of"),
        ("update: {image: {nginx: []}}\n", "line 6, update.image.nginx: "),
        ("update: reboot\n", "line 6, update: "),
        ("request: {success: [900]}\n", "line 6, request: success: '900' is not a range inside 100-599"),
        (
            "request: {success: [101]}\n",
            "line 6, request: success: '101' is no last answer; the load speaks HTTP alone",
        ),
        (
            "request: {headers: {Upgrade: websocket}}\n",
            "line 6, request.headers: Upgrade: the load speaks HTTP alone, and no WebSockets",
        ),
        ("request: {method: HEAD, contains: ok}\n", "line 6, request: contains: an answer to HEAD has no body"),
        ("request: {headers: {A: {env: X, file: y}}}\n", "line 6, request.headers.A: name either env or file"),
        ("variants: {a: {mitigations: [{prestopp: 5s}]}}\n", "line 6, variants.a.mitigations.0.prestopp: there is no"),
        ("variants: {a: {mitigations: [{prestop: 500ms}]}}\n", "Kubernetes counts whole seconds, not 500ms"),
        ("variants: {a: {mitigations: [{prestop: 5s, grace: 9s}]}}\n", "write one mitigation an entry"),
        ("variants: {a: {expect: perfect}}\n", "line 6, variants.a.expect: "),
        ("variants: {}\n", "line 6, variants: "),
    ],
)
def test_a_wrong_value_is_named_with_its_line(tmp_path: Path, more: str, says: str) -> None:
    assert says in refusal(tmp_path, GOOD + more)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is empty"),
        ("# nothing\n", "it is empty"),
        ("- a\n- b\n", "it holds no mapping"),
        ("just words\n", "it holds no mapping"),
        ("a: [1, 2\n", "line 2, column 1: it is not YAML"),
        ("a: b: c\n", "line 1, column 5: it is not YAML"),
        ("\ta: 1\n", "it is not YAML"),
        (b"\x7fELF\x02\x01\x01\x00\xff\xfe", "it is not text in UTF-8"),
        (
            GOOD.replace("port: 80", "port: 0"),
            "line 4, service.port: input should be greater than or equal to 1, not 0",
        ),
        (GOOD.replace("rate: 100", "rate: -1"), "line 5, load.new.rate: input should be greater than 0, not -1"),
        (GOOD.replace("new: {rate: 100}", ""), "line 5, load: name at least one stream"),
        (GOOD.replace("name: demo\n", ""), "line 1, name: it is missing"),
        (GOOD.replace("version: 1", "version: 2"), "line 1, version: input should be 1, not 2"),
        (GOOD + "name: again\n", "it is not YAML"),
    ],
)
def test_a_file_that_is_no_experiment_is_named(tmp_path: Path, text: str | bytes, says: str) -> None:
    assert says in refusal(tmp_path, text)


def patterns(schema: Any) -> Iterator[str]:
    for key, value in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if key == "pattern" and isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            yield from patterns(value)


def test_every_pattern_of_an_experiment_is_told_in_words() -> None:
    durations = r"^(\d+(\.\d+)?(ms|s|m|h))+$"  # have words of their own
    assert {*patterns(Experiment.model_json_schema())} - {durations} <= PATTERN_WORDS.keys()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="there is no such file"):
        read_experiment(tmp_path / "nowhere.yaml")
    with pytest.raises(ExperimentError, match="it is a directory"):
        read_experiment(tmp_path)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, GOOD.replace("rate: 100", "rate: 0") + "rollouts: 0\ncolour: red\n")
    assert message.count("; line") == 2


@given(st.binary(max_size=200))
def test_whatever_a_file_holds_the_answer_is_an_experiment_or_one_clear_line(tmp_path_factory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("any") / "experiment.yaml"
    file.write_bytes(content)
    with pytest.raises(ExperimentError) as error:
        read_experiment(file)
    assert "\n" not in str(error.value)


# Images


def images_of(folder: Path, entry: str) -> SandboxImage:
    file = folder / "experiment.yaml"
    file.write_text(f"{GOOD}images: {{shop: {entry}}}\n")
    return read_experiment(file).images["shop"]


def test_a_program_by_a_relative_path_is_made_absolute_and_a_link_stays_one(tmp_path: Path) -> None:
    """A venv's `python` is a link: called by what it leads to, it would not find the venv's packages."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "python").touch()
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(tmp_path / "real" / "python")
    (tmp_path / "experiments").mkdir()
    image = images_of(tmp_path / "experiments", "{command: [../venv/bin/python, -m, shop]}")
    assert image.command == (str(tmp_path / "venv" / "bin" / "python"), "-m", "shop")


def test_a_folder_that_is_reached_by_a_link_is_where_it_really_is(tmp_path: Path) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "real" / "app.py").touch()
    (tmp_path / "linked").symlink_to(tmp_path / "real" / "deep")
    image = images_of(tmp_path / "linked", "{command: [../app.py]}")
    assert image.command == (str(tmp_path / "real" / "app.py"),)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{}", "images.shop: name either command or stand_in"),
        ("{command: [x], stand_in: exits}", "images.shop: name either command or stand_in"),
        ("{stand_in: sulks}", "images.shop.stand_in: input should be 'finishes', 'exits', 'ignores' or 'refuses'"),
        ("{stand_in: exits, args: [x]}", "images.shop: args means nothing beside stand_in"),
        ("{stand_in: exits, arguments: image}", "images.shop: arguments means nothing beside stand_in"),
        ("{command: [x], latency: 5ms}", "images.shop: latency means nothing beside command"),
    ],
)
def test_an_image_is_a_program_or_a_stand_in(tmp_path: Path, entry: str, says: str) -> None:
    assert says in refusal(tmp_path, f"{GOOD}images: {{shop: {entry}}}\n")
