"""`run` without a file: what options must say, before any cluster is asked."""

from __future__ import annotations

import io
import sys

import pytest
from program import called

from harness.cli.described import told_file
from harness.cli.there import There
from harness.cli.watch import _experiment
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
        pytest.param("shop.yaml --rollouts 3", "shop.yaml says that itself", id="beside a file"),
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


def test_options_of_a_watch_are_called_what_they_are_called_on_the_command_line() -> None:
    with pytest.raises(UsageError, match=r"^reading --for: 'banana' is not a duration"):
        _experiment({**DESCRIBED, "disruption": {"watch": {"for": "banana"}}})


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
    experiment = _experiment(described)
    assert (experiment.request.path, experiment.cluster.context) == ("/up", "staging")


def test_the_file_that_would_do_the_same_comes_before_what_is_said_later(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding="utf-8"))
    told_file("# This:", {"name": "web"})
    assert pipe.getvalue() == b"# This:\n{name: web}\n\n"


def test_what_cannot_be_planned_of_what_an_earlier_run_left_names_what_puts_it_back() -> None:
    experiment = _experiment({**DESCRIBED, "disruption": "watch"})
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
