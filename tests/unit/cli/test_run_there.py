"""`run` without a file: what options must say, before any cluster is asked."""

from __future__ import annotations

import io
import sys

import pytest
from program import called

from harness.cli.described import told_file
from harness.cli.paper import experiment_of
from harness.cli.there import There
from harness.errors import ManifestError, UsageError
from harness.runner.from_cluster import described_there
from tests.unit.runner.test_from_cluster import service, shop

DESCRIBED = {
    "version": 1,
    "name": "web",
    "target": "deployment/web",
    "namespace": "staging",
    "cluster": {"context": "staging"},
    "load": {"new": {"rate": 1}},
}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param("--restart", "--target and --namespace must say what is rolled", id="nothing"),
        pytest.param("--target deployment/web --restart", "--namespace must say what is rolled", id="no namespace"),
        pytest.param("--target deployment/web -n staging", "Give either --restart or --image", id="no update"),
        pytest.param(
            "--target deployment/web -n staging --restart --image a:1", "either --restart or --image", id="two"
        ),
        pytest.param(
            "--target deployment/web -n staging --restart", "made for the run, with nothing in it", id="sandbox"
        ),
        pytest.param(
            "--target deploy/web -n staging --restart --cluster context:nowhere",
            "error: reading the target 'deploy/web': it is no deployment/NAME and no statefulset/NAME",
            id="no such kind",
        ),
        pytest.param(
            "--target web -n staging --restart --cluster context:nowhere", "Give deployment/web, or", id="no kind"
        ),
        pytest.param(
            "--target deployment/web -n staging --restart --cluster context:my-PROD", "it is protected", id="protected"
        ),
        pytest.param(
            "--target deployment/web -n staging --restart --latency 5ms", "--latency 5ms: it is a", id="latency"
        ),
        pytest.param("shop.yaml --rollouts 3", "shop.yaml says that itself", id="beside a file"),
        pytest.param("- --restart", "It goes with an application that is there: run --target", id="beside manifests"),
        pytest.param("shop.yaml --path nodeport", "shop.yaml says that itself", id="a path beside a file"),
        pytest.param(
            "--path ingres", "--path 'ingres': there is no such path; did you mean ingress? Give cl", id="no path"
        ),
        pytest.param("--path ftp://shop", "--path 'ftp://shop': it is no URL of HTTP", id="no URL of HTTP"),
    ],
)
def test_what_is_not_said_is_asked_for(words: str, said: str) -> None:
    assert said in refused("run", *words.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param("--target ds/web", "error: reading the target 'ds/web': a DaemonSet cannot be", id="daemons"),
        pytest.param("--target web", "error: reading the target 'web': it is no deployment/NAME", id="no kind"),
        pytest.param("--target deployment/web --cluster context:my-PROD", "it is protected", id="protected"),
    ],
)
def test_a_watch_is_refused_before_anything_is_sent(words: str, said: str) -> None:
    assert said in refused("watch", "-n", "staging", "--cluster", "context:nowhere", *words.split())


OF_BOTH = [
    pytest.param("--service a:b:c", "--service 'a:b:c': it is no Service's name. Give NAME or NAME:PORT", id="service"),
    pytest.param("--service Shop", "--service 'Shop': it is no Service's name", id="a Service's name"),
    pytest.param("--path ftp://shop", "--path 'ftp://shop': it is no URL of HTTP", id="path"),
    pytest.param("--budget filed=0", "--budget filed=0: there is no limit 'filed'; did you mean failed?", id="budget"),
    pytest.param("--worker-image python:3.13slim?x -n X_Y", "--namespace: a name has up to", id="namespace"),
    pytest.param("--out /dev/null", "writing to /dev/null: it is a file and no folder", id="out"),
]
"""Options of both commands, and what is said of them."""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        *OF_BOTH,
        pytest.param("--for banana", "reading --for: 'banana' is not a duration", id="for"),
        pytest.param("--rate -1", "reading --rate: input should be greater than 0, not -1", id="rate"),
        pytest.param("--rate nan", "reading --rate: input should be a finite number, not nan", id="no rate"),
        pytest.param(
            "--rate 900", "planning 1350 requests/s: a cluster that others use too gets 1000/s", id="too much"
        ),
        pytest.param("--request-path up", "reading --request-path: it must begin with /", id="request path"),
    ],
)
def test_options_of_a_watch_are_looked_at_before_a_cluster_is(words: str, said: str) -> None:
    assert said in asked("watch", words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        *OF_BOTH,
        pytest.param("--image =shop:2", "--image =shop:2: it lacks a container or an image", id="no container"),
        pytest.param("--image shop=", "--image shop=: it lacks a container or an image", id="no image"),
    ],
)
def test_options_of_a_run_are_looked_at_before_a_cluster_is(words: str, said: str) -> None:
    assert said in asked("run", words if "--image" in words else f"--restart {words}")


@pytest.mark.parametrize("command", ["run", "watch"])
def test_an_image_of_a_worker_with_a_space_is_none(command: str) -> None:
    restart = ["--restart"] if command == "run" else []
    said = refused(command, *_THERE, *restart, "--worker-image", "a b")
    assert "reading --worker-image 'a b': an image's name holds no spaces" in said


_THERE = ("--target", "deployment/web", "-n", "staging", "--cluster", "context:nowhere")


def asked(command: str, words: str) -> str:
    """What is said where the cluster is none that anybody could ask."""
    return refused(command, *_THERE, *words.split())


def test_options_of_a_watch_are_called_what_they_are_called_on_the_command_line() -> None:
    with pytest.raises(UsageError, match=r"^reading --for: 'banana' is not a duration"):
        experiment_of({**DESCRIBED, "disruption": {"watch": {"for": "banana"}}})


def test_a_watch_requests_what_a_run_would_request() -> None:
    there = (shop({"path": "/up", "port": "web"}), service())
    described = described_there(
        there,
        target="deployment/shop",
        namespace="staging",
        service=None,
        done={"disruption": "watch"},
        cluster={"context": "staging"},
    )
    experiment = experiment_of(described)
    assert (experiment.request.path, experiment.cluster.context) == ("/up", "staging")


def test_the_file_that_would_do_the_same_comes_before_what_is_said_later(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding="utf-8"))
    told_file("# This:", {"name": "web"})
    assert pipe.getvalue() == b"# This:\n{name: web}\n\n"


def test_what_cannot_be_planned_of_what_an_earlier_run_left_names_what_puts_it_back() -> None:
    experiment = experiment_of({**DESCRIBED, "disruption": "watch"})
    said = r"it would go to the same, since an earlier run has changed it and not put it back\. To put it back: x$"
    for put_back, says in (("To put it back: x", said), ("", "it would go to the same$")):
        there = There(experiment=experiment, put_back=put_back)
        with pytest.raises(ManifestError, match=says), there.planning():
            raise ManifestError("planning rollout 1", "it would go to the same")


def refused(*words: str) -> str:
    """What is said on standard error."""
    said = called(*words)
    assert (said.code, said.out) == (2, "")
    return said.err
